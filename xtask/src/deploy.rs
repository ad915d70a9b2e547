//! Tests of `deploy/`: the script that installs a server, tried below a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};

use crate::paths;

/// A folder for one test, gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("glass-deploy-{name}-{}", process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder can be written");
        Folder(folder)
    }

    /// A file with that text.
    fn put(&self, name: &str, text: &str) {
        let file = self.0.join(name);
        let folder = file.parent().expect("it is below ours");
        fs::create_dir_all(folder).expect("the folder is ours");
        fs::write(file, text).expect("the folder is ours");
    }

    /// What is built, as far as the script looks.
    fn build(&self, page: &str) {
        for (name, text) in [
            ("target/dist/index.html", page),
            ("target/boot/boot", "the image"),
            ("target/release/server", "the server"),
        ] {
            self.put(name, text);
        }
    }

    fn install(&self, options: &[&str]) -> Output {
        Command::new(paths::workspace().join("deploy/install.sh"))
            .arg("--no-build")
            .args(options)
            .env("CARGO_TARGET_DIR", self.0.join("target"))
            .env("DESTDIR", self.0.join("root"))
            .output()
            .expect("the script runs")
    }

    fn installed(&self, name: &str) -> String {
        let file = self.0.join("root").join(name);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn deploy(file: &str) -> String {
    let file = paths::workspace().join("deploy").join(file);
    fs::read_to_string(file).expect("it is there")
}

#[test]
fn a_server_is_installed_and_upgraded_below_a_folder() {
    let folder = Folder::new("upgrade");
    folder.build("page 1");
    folder.put("target/dist/old.js", "of page 1");
    let done = folder.install(&[]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert_eq!(
        folder.installed("opt/glass-kernel/share/page/index.html"),
        "page 1"
    );
    let unit = folder.installed("etc/systemd/system/glass-kernel.service");
    assert_eq!(unit, deploy("glass-kernel.service"));
    // All that the unit and the configuration name has been put there.
    for text in [&unit, &folder.installed("etc/glass-kernel.conf")] {
        for word in text.split([' ', '\n', '=', '`']) {
            if let Some(path) = word.strip_prefix("/opt/") {
                let path = folder.0.join("root/opt").join(path);
                assert!(path.exists(), "{}", path.display());
            }
        }
    }

    // The second time is an upgrade: what was chosen stays, what is no longer made goes.
    folder.put(
        "root/etc/glass-kernel.conf",
        "GLASS_OPTIONS=--require-keys\n",
    );
    folder.build("page 2");
    fs::remove_file(folder.0.join("target/dist/old.js")).expect("it was made");
    assert!(folder.install(&[]).status.success());
    assert_eq!(
        folder.installed("opt/glass-kernel/share/page/index.html"),
        "page 2"
    );
    assert_eq!(
        folder.installed("etc/glass-kernel.conf"),
        "GLASS_OPTIONS=--require-keys\n"
    );
    let page = folder.0.join("root/opt/glass-kernel/share/page");
    assert!(!page.join("old.js").exists());
    let left = fs::read_dir(page.parent().expect("share")).expect("it is there");
    let left = left.filter(|entry| {
        let name = entry.as_ref().expect("it is there").file_name();
        name.to_string_lossy().contains(".new") || name.to_string_lossy().contains(".old")
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn a_server_is_installed_elsewhere_or_without_a_service() {
    let folder = Folder::new("prefix");
    folder.build("page");
    assert!(folder.install(&["--prefix", "/srv/lab"]).status.success());
    for unit in ["glass-kernel.service", "glass-kernel-backup.service"] {
        let unit = folder.installed(&format!("etc/systemd/system/{unit}"));
        assert!(unit.contains("/srv/lab/bin/glass-kernel-server"), "{unit}");
        assert!(!unit.contains("/opt/glass-kernel"), "{unit}");
    }
    let bare = Folder::new("bare");
    bare.build("page");
    assert!(bare.install(&["--no-service"]).status.success());
    assert!(!bare.0.join("root/etc").exists());
    assert!(
        bare.0
            .join("root/opt/glass-kernel/bin/glass-kernel-server")
            .exists()
    );
}

#[test]
fn the_script_says_what_it_cannot_do() {
    let folder = Folder::new("nothing");
    let told = |options: &[&str]| {
        let done = folder.install(options);
        (
            done.status.code(),
            String::from_utf8_lossy(&done.stderr).into_owned(),
        )
    };
    let (status, error) = told(&[]);
    assert!(
        status == Some(1) && error.contains("dist/index.html is missing"),
        "{error}"
    );
    let (status, error) = told(&["--frob"]);
    assert!(status == Some(2) && error.contains("'--frob'"), "{error}");
    let (status, error) = told(&["--prefix", "here"]);
    assert!(status == Some(2) && error.contains("'here'"), "{error}");
    assert!(!Path::new(&folder.0.join("root")).exists());
}
