##! Loaded as soon as the plugin is active. It does nothing by itself: the package's scripts
##! (``@load foreshadow``) open the sensor, write the logs and raise the notices.
