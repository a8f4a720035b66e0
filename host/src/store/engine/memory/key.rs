//! Keys as bytes that are ordered as the keys are: what any ordered store of bytes can keep them by.

use super::super::{View, redb};

/// A key that has an order in bytes.
pub trait Key: redb::Key + 'static {
    /// Writes a key behind what is there.
    fn write(key: &View<'_, Self>, to: &mut Vec<u8>);

    /// Reads a key, and leaves what is behind it.
    fn read<'b>(from: &mut &'b [u8]) -> View<'b, Self>;
}

/// Takes so many bytes from the front.
fn take<'b>(from: &mut &'b [u8], count: usize) -> &'b [u8] {
    let (taken, rest) = from.split_at(count);
    *from = rest;
    taken
}

macro_rules! unsigned {
    ($($number:ty),+) => { $(impl Key for $number {
        fn write(key: &Self, to: &mut Vec<u8>) {
            to.extend(key.to_be_bytes());
        }

        fn read(from: &mut &[u8]) -> Self {
            Self::from_be_bytes(take(from, size_of::<Self>()).try_into().unwrap())
        }
    })+ };
}
unsigned!(u8, u16, u32, u64);

impl Key for i64 {
    /// The sign's bit turned over puts what is negative first.
    fn write(key: &Self, to: &mut Vec<u8>) {
        to.extend((*key ^ Self::MIN).to_be_bytes());
    }

    fn read(from: &mut &[u8]) -> Self {
        Self::from_be_bytes(take(from, 8).try_into().unwrap()) ^ Self::MIN
    }
}

impl<const N: usize> Key for [u8; N] {
    fn write(key: &Self, to: &mut Vec<u8>) {
        to.extend(key);
    }

    fn read(from: &mut &[u8]) -> Self {
        take(from, N).try_into().unwrap()
    }
}

impl<const N: usize> Key for &'static [u8; N] {
    fn write(key: &View<'_, Self>, to: &mut Vec<u8>) {
        to.extend(*key);
    }

    fn read<'b>(from: &mut &'b [u8]) -> &'b [u8; N] {
        take(from, N).try_into().unwrap()
    }
}

/// Ends a text: what it begins comes behind it, and a zero byte within the text is told from its end.
const END: [u8; 2] = [0, 1];
/// A zero byte within a text, which only the bounds of ranges have.
const ZERO: [u8; 2] = [0, 0xff];

impl Key for &'static str {
    fn write(key: &View<'_, Self>, to: &mut Vec<u8>) {
        for byte in key.bytes() {
            if byte == 0 { to.extend(ZERO) } else { to.push(byte) }
        }
        to.extend(END);
    }

    fn read<'b>(from: &mut &'b [u8]) -> &'b str {
        let end = from.iter().position(|byte| *byte == 0).unwrap();
        let text = take(from, end);
        assert_eq!(take(from, END.len()), END, "no key that is kept has a zero byte");
        str::from_utf8(text).unwrap()
    }
}

macro_rules! tuple {
    ($($part:ident $at:tt),+) => {
        impl<$($part: Key),+> Key for ($($part,)+) {
            fn write(key: &View<'_, Self>, to: &mut Vec<u8>) {
                $($part::write(&key.$at, to);)+
            }

            fn read<'b>(from: &mut &'b [u8]) -> View<'b, Self> {
                ($($part::read(from),)+)
            }
        }
    };
}
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
