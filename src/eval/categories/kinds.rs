//! What kind of attack a capture is, from the `MANIFEST.tsv` beside the captures.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The third column of every row, by the path in the first.
#[derive(Default)]
pub(super) struct Kinds(HashMap<String, String>);

impl Kinds {
    /// Reads the manifests in some folders; a folder without one has captures of no known kind.
    pub(super) fn read(folders: &[PathBuf]) -> Self {
        let mut kinds = HashMap::new();
        for folder in folders {
            let Ok(text) = std::fs::read_to_string(folder.join("MANIFEST.tsv")) else { continue };
            for line in text.lines().skip(1) {
                let mut columns = line.split('\t');
                if let (Some(path), Some(_), Some(kind)) =
                    (columns.next(), columns.next(), columns.next())
                {
                    let kind = kind.split_once(':').map_or(kind, |(_, kind)| kind);
                    kinds.insert(tail(Path::new(path)), kind.to_owned());
                }
            }
        }
        Self(kinds)
    }

    pub(super) fn of(&self, path: &Path) -> Option<&str> {
        self.0.get(&tail(path)).map(String::as_str)
    }
}

/// Class, source and file: the part of a path that is the same wherever the captures lie.
fn tail(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts[parts.len().saturating_sub(3)..].join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_has_the_kind_its_manifest_says() {
        let folder = tempfile::tempdir().unwrap();
        let rows = "path\tclass\ttype\ndev/attack/esnet/a.pcap\tattack\tattack:port-scan\t7\n";
        std::fs::write(folder.path().join("MANIFEST.tsv"), rows).unwrap();
        let kinds = Kinds::read(&[folder.path().to_owned(), PathBuf::from("/nowhere")]);
        assert_eq!(kinds.of(Path::new("/data/attack/esnet/a.pcap")), Some("port-scan"));
        assert_eq!(kinds.of(Path::new("/data/attack/esnet/b.pcap")), None);
    }
}
