##! Types that the plugin's built-in functions and events need before anything else is parsed.

@load ./types
