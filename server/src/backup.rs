//! A copy of what a class has left, made while the server runs.
//!
//! A copy is a data folder like any other: database and keys under their names. So restoring is
//! nothing but naming it with `--data`, and whether a copy is good can be tried on any machine. The
//! database copies itself (`VACUUM INTO`): one moment of it, whatever is written meanwhile, which a
//! copy of its files would not be. PostgreSQL has tools of its own for this.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::error::StartError;
use crate::keys::{SECRET_FILE, TEACHER_KEY_FILE};
use crate::store::{self, Place};

/// Copies the data folder that `config` names to the new folder `to`, for its owner's eyes only.
/// Returns the files of the copy. Nothing is left of a copy that did not come about.
///
/// # Errors
/// When there is no such data folder, or `to` is there already or cannot be written.
pub async fn backup(config: &Config, to: &Path) -> Result<Vec<PathBuf>, StartError> {
    if config.database.is_some() {
        return Err(StartError::ForeignDatabase);
    }
    let of = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| StartError::Data { path, source }
    };
    let database = config.data.join(store::FILE);
    // Whoever mistypes the folder must not get a copy of nothing.
    fs::metadata(&database).map_err(of(&database))?;
    let made = DirBuilder::new().mode(0o700).create(to);
    made.map_err(of(to))?;
    let copied = copy(&config.data, to).await;
    if copied.is_err() {
        // It is ours: it was made above.
        fs::remove_dir_all(to).ok();
    }
    copied
}

async fn copy(data: &Path, to: &Path) -> Result<Vec<PathBuf>, StartError> {
    let mut files = Vec::new();
    for name in [SECRET_FILE, TEACHER_KEY_FILE] {
        let (from, copy) = (data.join(name), to.join(name));
        let key = match fs::read(&from) {
            Ok(key) => key,
            // The teacher's key may have been given in another way.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(StartError::Data { path: from, source }),
        };
        let mut options = OpenOptions::new();
        let created = options.write(true).create_new(true).mode(0o600).open(&copy);
        let written = created.and_then(|mut file| {
            file.write_all(&key)?;
            file.sync_all()
        });
        written.map_err(|source| StartError::Data {
            path: copy.clone(),
            source,
        })?;
        files.push(copy);
    }
    let (place, file) = (Place::File(data.join(store::FILE)), to.join(store::FILE));
    let copied = store::copy_file(&place, &file).await;
    copied.map_err(|source| StartError::Store {
        place: place.to_string(),
        source,
    })?;
    // The database does not wait for the disk when it writes a copy.
    for path in [file.as_path(), to] {
        let synced = File::open(path).and_then(|file| file.sync_all());
        synced.map_err(|source| StartError::Data {
            path: path.to_owned(),
            source,
        })?;
    }
    files.push(file);
    Ok(files)
}
