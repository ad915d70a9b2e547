//! Type tables: what the bytes of a kernel object mean.
//!
//! Whoever looks at the kernel's memory from outside, an inspector or a debugger, has bytes and wants
//! names. Linux compiles a description of its types into the image for that, called BTF. Ours stands
//! next to each type: `describe!` lists a `#[repr(C)]` type's fields, takes their types and places
//! from the compiler, and refuses a list with a hole. So a table cannot differ from its type.
//!
//! The module knows no type itself; [`crate::objects`] tells which of them lies where.

use core::fmt;

/// What a type is made of.
#[derive(Debug, Clone, Copy)]
pub struct Type {
    /// Its name, as the slab cache of such objects is called, or as Linux calls the type.
    pub name: &'static str,
    /// Its length in bytes.
    pub size: u32,
    /// Its fields in the order of their offsets, without gaps.
    pub fields: &'static [Field],
}

/// A field of a type.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in the source.
    pub name: &'static str,
    /// Its offset in bytes.
    pub offset: u32,
    /// Its length in bytes; of an array, that of all elements.
    pub size: u32,
    /// How many elements an array has; `None` if it is none.
    pub length: Option<u32>,
    /// What it holds; of an array, what each element holds.
    pub kind: Kind,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A number without sign.
    Number,
    /// A number that is read by its bits.
    Hex,
    /// A number that has names, which this function prints.
    Named(fn(u64, &mut fmt::Formatter<'_>) -> fmt::Result),
    /// A kernel pointer, in units of 8 bytes; 0 is NULL.
    Pointer,
    /// The number of a frame.
    Frame,
    /// A number whose meaning depends on what the object is used for.
    Varies,
    /// Text, zeroes behind it.
    Text,
    /// Nothing.
    Padding,
    /// Another type's fields.
    Object(&'static Type),
}

/// A type that can be a field of a described type.
pub trait Described {
    /// What a field of it holds, unless its own type's table says otherwise.
    const KIND: Kind;
    /// How many elements an array has.
    const LENGTH: Option<u32> = None;
}

impl Described for u8 {
    const KIND: Kind = Kind::Number;
}
impl Described for u16 {
    const KIND: Kind = Kind::Number;
}
impl Described for u32 {
    const KIND: Kind = Kind::Number;
}
impl Described for i32 {
    const KIND: Kind = Kind::Named(|bits, f| write!(f, "{}", bits as u32 as i32));
}
impl Described for i64 {
    const KIND: Kind = Kind::Named(|bits, f| write!(f, "{}", bits as i64));
}
impl Described for u64 {
    const KIND: Kind = Kind::Number;
}
impl<T: Described, const N: usize> Described for [T; N] {
    const KIND: Kind = T::KIND;
    const LENGTH: Option<u32> = Some(N as u32);
}

impl Field {
    /// A field that `_access` reaches, so that the compiler finds out its type.
    pub const fn new<S, T: Described>(
        name: &'static str,
        offset: usize,
        _access: fn(&S) -> &T,
        kind: Option<Kind>,
    ) -> Field {
        Field {
            name,
            offset: offset as u32,
            size: size_of::<T>() as u32,
            length: T::LENGTH,
            kind: match kind {
                Some(kind) => kind,
                None => T::KIND,
            },
        }
    }

    /// The length of one element, or of the field if it is no array.
    pub const fn element(&self) -> u32 {
        match self.length {
            Some(length) => self.size / length,
            None => self.size,
        }
    }
}

impl Type {
    /// Whether each field begins where the one before it ends, and the last ends with the type.
    pub const fn has_no_gaps(&self) -> bool {
        let mut end = 0;
        let mut index = 0;
        while index < self.fields.len() {
            if self.fields[index].offset != end {
                return false;
            }
            end += self.fields[index].size;
            index += 1;
        }
        end == self.size
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Describes a `#[repr(C)]` type: its name, then its fields, each with its [`Kind`] where its type
/// does not say enough. Gives it a constant `TYPE`.
///
/// ```text
/// describe!(Inode, "inode_cache", [pages, mount, ino, mode: Kind::Named(show_mode), ...]);
/// ```
macro_rules! describe {
    ($type:ty, $name:literal, [$($field:ident $(: $kind:expr)?),* $(,)?]) => {
        impl $type {
            /// What its bytes mean.
            pub const TYPE: $crate::btf::Type = $crate::btf::Type {
                name: $name,
                size: size_of::<$type>() as u32,
                fields: &[$($crate::btf::Field::new(
                    stringify!($field),
                    core::mem::offset_of!($type, $field),
                    |object: &$type| &object.$field,
                    $crate::btf::describe!(@kind $($kind)?),
                )),*],
            };
        }

        impl $crate::btf::Described for $type {
            const KIND: $crate::btf::Kind = $crate::btf::Kind::Object(&<$type>::TYPE);
        }

        const _: () = assert!(<$type>::TYPE.has_no_gaps(), "a field is missing");
    };
    (@kind) => { None };
    (@kind $kind:expr) => { Some($kind) };
}
pub(crate) use describe;
