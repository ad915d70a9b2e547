//! Who is who: the teacher's key, and a key for every student's name.
//!
//! There are no accounts. The data folder holds a secret, and a student's key is a MAC of the name
//! under it (HMAC-SHA256), so a class of any size needs no list and a key cannot be made up. The
//! teacher's key is random and lies in a file beside the secret, for its owner's eyes; the log never
//! shows it. Both are compared without telling by the time taken how much of a guess was right.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The file of the teacher's key, in the data folder.
pub const TEACHER_KEY_FILE: &str = "teacher-key";

/// The file of the secret from which students' keys are made, in the data folder.
pub const SECRET_FILE: &str = "secret";

/// Fewer letters are soon guessed.
pub const TEACHER_KEY_MIN: usize = 12;

/// A key that must not turn up in a log: what `{:?}` shows of it is nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}

/// Where the teacher's key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TeacherKey {
    /// It was given.
    Given(Hidden),
    /// It is in this file, blanks around it apart.
    In(PathBuf),
    /// It is in the data folder, and made if it is not there yet.
    Kept,
}

/// The keys of a class.
#[derive(Debug)]
pub struct Keys {
    secret: Hidden,
    teacher: Hidden,
    teacher_file: Option<PathBuf>,
}

impl Keys {
    /// Reads the keys of the data folder `data`, and makes those that are not there yet.
    ///
    /// # Errors
    /// With the file's name, when it cannot be read or made, or holds no key.
    pub fn open(data: &Path, teacher: &TeacherKey) -> Result<Keys, (PathBuf, io::Error)> {
        let secret = data.join(SECRET_FILE);
        let secret = kept(&secret).map_err(|error| (secret, error))?;
        let (teacher, teacher_file) = match teacher {
            TeacherKey::Given(key) => (key.0.clone(), None),
            TeacherKey::In(file) => (
                fs::read_to_string(file).map_err(|error| (file.clone(), error))?,
                Some(file.clone()),
            ),
            TeacherKey::Kept => {
                let file = data.join(TEACHER_KEY_FILE);
                (
                    kept(&file).map_err(|error| (file.clone(), error))?,
                    Some(file),
                )
            }
        };
        let teacher = teacher.trim().to_owned();
        if teacher.len() < TEACHER_KEY_MIN {
            let short = format!("a teacher's key has at least {TEACHER_KEY_MIN} letters");
            let short = io::Error::new(io::ErrorKind::InvalidData, short);
            return Err((
                teacher_file.unwrap_or_else(|| "--teacher-key".into()),
                short,
            ));
        }
        Ok(Keys {
            secret: Hidden(secret.trim().to_owned()),
            teacher: Hidden(teacher),
            teacher_file,
        })
    }

    /// The file with the teacher's key, unless it was given.
    pub fn teacher_file(&self) -> Option<&Path> {
        self.teacher_file.as_deref()
    }

    /// The key of the student who is called so: 32 hexadecimal digits.
    pub fn student_key(&self, student: &str) -> String {
        let mac = self.mac("student", student).into_bytes();
        hex(&mac[..16])
    }

    /// Whether `key` is the key of the student who is called so.
    pub fn is_students(&self, student: &str, key: &str) -> bool {
        self.same(&self.student_key(student), key)
    }

    /// What the live session of this name is published with. It follows from the name, so that a session
    /// outlives the server's restart and costs nothing while nobody publishes it.
    pub fn live_key(&self, id: &str) -> String {
        hex(&self.mac("live", id).into_bytes()[..16])
    }

    /// Whether `key` publishes the live session of this name.
    pub fn is_live_key(&self, id: &str, key: &str) -> bool {
        self.same(&self.live_key(id), key)
    }

    /// Whether `key` is the teacher's.
    pub fn is_teachers(&self, key: &str) -> bool {
        self.same(&self.teacher.0, key)
    }

    /// Whether two keys are the same. What is compared is their MACs, in constant time.
    fn same(&self, key: &str, other: &str) -> bool {
        self.mac("compare", key) == self.mac("compare", other)
    }

    fn mac(&self, purpose: &str, text: &str) -> CtOutput<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.0.as_bytes())
            .expect("HMAC takes a secret of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac.finalize()
    }
}

/// A random name of 32 hexadecimal digits, which nobody guesses.
///
/// # Errors
/// When the system has no random numbers.
pub fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(hex(&bytes))
}

/// The SHA-256 of `bytes`, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

/// The content of `file`, which is made with something random if it is not there.
///
/// The file appears whole or not at all, whenever the power fails, and of two servers that start at
/// once the second reads what the first made.
fn kept(file: &Path) -> io::Result<String> {
    if let Some(content) = read_if_there(file)? {
        return Ok(content);
    }
    let draft = file.with_extension(random()?);
    let mut open = OpenOptions::new();
    let mut content = open.write(true).create_new(true).mode(0o600).open(&draft)?;
    writeln!(content, "{}", random()?)?;
    content.sync_all()?;
    let named = match fs::hard_link(&draft, file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        named => named,
    };
    fs::remove_file(&draft)?;
    named?;
    if let Some(folder) = file.parent() {
        File::open(folder)?.sync_all()?;
    }
    fs::read_to_string(file)
}

fn read_if_there(file: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn keys(folder: &Path) -> Keys {
        Keys::open(folder, &TeacherKey::Kept).expect("a writable folder")
    }

    #[test]
    fn keys_are_made_once_and_for_their_owner() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let first = keys(folder.path());
        let again = keys(folder.path());
        assert_eq!(first.teacher, again.teacher);
        assert_eq!(first.student_key("ada"), again.student_key("ada"));
        for file in [TEACHER_KEY_FILE, SECRET_FILE] {
            let metadata = fs::metadata(folder.path().join(file)).expect("it was made");
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{file}");
        }
        // No draft is left.
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 2);

        let other = tempfile::tempdir().expect("a temporary folder");
        let other = keys(other.path());
        assert_ne!(first.teacher, other.teacher);
        assert_ne!(first.student_key("ada"), other.student_key("ada"));
    }

    #[test]
    fn a_key_fits_one_name_and_one_role() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keys = keys(folder.path());
        let ada = keys.student_key("ada");
        assert!(keys.is_students("ada", &ada));
        for (name, key) in [
            ("Ada", ada.as_str()),
            ("bob", &ada),
            ("ada", ""),
            ("ada", "x"),
        ] {
            assert!(!keys.is_students(name, key), "{name} {key}");
        }
        let teacher = fs::read_to_string(folder.path().join(TEACHER_KEY_FILE)).expect("made");
        assert!(keys.is_teachers(teacher.trim()));
        let longer = format!("{}0", teacher.trim());
        for key in ["", &ada, &teacher[..31], &longer] {
            assert!(!keys.is_teachers(key), "{key}");
        }
    }

    #[test]
    fn a_teachers_key_may_be_given_but_not_a_short_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let given =
            |key: &str| Keys::open(folder.path(), &TeacherKey::Given(Hidden(key.to_owned())));
        let keys = given("correct horse battery").expect("long enough");
        assert!(keys.is_teachers("correct horse battery"));
        assert_eq!(keys.teacher_file(), None);
        let (file, error) = given("short").expect_err("too short");
        assert_eq!(file, Path::new("--teacher-key"));
        assert!(error.to_string().contains("at least 12"));

        let file = folder.path().join("mine");
        fs::write(&file, "  from a file of mine\n").expect("writable");
        let keys = Keys::open(folder.path(), &TeacherKey::In(file)).expect("it is there");
        assert!(keys.is_teachers("from a file of mine"));
        let (file, _) = Keys::open(folder.path(), &TeacherKey::In("/no/such".into()))
            .expect_err("no such file");
        assert_eq!(file, Path::new("/no/such"));
    }

    #[test]
    fn a_key_does_not_show() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keys = keys(folder.path());
        let shown = format!("{keys:?}");
        assert!(!shown.contains(&keys.teacher.0) && !shown.contains(&keys.secret.0));
    }

    #[test]
    fn hashes_are_those_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
