//! Python's pickles, as far as dictionaries of numbers, text and NumPy's arrays go.
//!
//! A pickle is a program for a machine with a stack and a memory. This one executes nothing of it but the building of values, and these
//! are numbers of [nodes](Node): a value that is used twice is there once, whatever is made of it. Memory is bounded by the length of
//! the file and by [`MOST_NODES`], and nothing recurses, however values are nested.

use std::collections::HashMap;
use std::ops::Range;

/// The most values in a pickle. A batch has 20,000, a label and a name for each image.
const MOST_NODES: usize = 1 << 22;

/// The place of a value among all.
pub(super) type Id = usize;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// `None`, a truth value, a float, a function's name: what nothing depends on here.
    Other,
    Integer(i64),
    /// Bytes, or text in UTF-8, by their place in the file.
    Text(Range<usize>),
    /// Bytes that are written as text.
    Bytes(Vec<u8>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dictionary(Vec<(Id, Id)>),
    /// The name of a function or a class.
    Global(Range<usize>),
    /// What a function makes of its arguments.
    Object {
        function: Id,
        arguments: Id,
        state: Option<Id>,
    },
}

/// A pickle that has been read.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    bytes: &'a [u8],
    nodes: Vec<Node>,
    /// The value that it is.
    pub(super) top: Id,
}

impl<'a> Pickle<'a> {
    /// Reads a pickle. Errors say what is wrong, and at which byte.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut machine = Machine { bytes, ..Machine::default() };
        let top = machine.run().map_err(|reason| format!("byte {}: {reason}", machine.opcode))?;
        Ok(Self { bytes, nodes: machine.nodes, top })
    }

    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    /// The bytes of a value, if it is of bytes or text.
    pub(super) fn bytes(&self, id: Id) -> Option<&[u8]> {
        match self.node(id) {
            Node::Text(range) => Some(&self.bytes[range.clone()]),
            Node::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The value of `key` in the dictionary that the pickle is.
    pub(super) fn get(&self, key: &str) -> Option<Id> {
        let Node::Dictionary(entries) = self.node(self.top) else { return None };
        // Of two entries the later one counts.
        entries.iter().rfind(|(name, _)| self.bytes(*name) == Some(key.as_bytes())).map(|&(_, value)| value)
    }

    /// The items of a list or a tuple.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.node(id) {
            Node::List(items) | Node::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The buffer of an array of bytes in C order. NumPy makes one of the state `(version, shape, type, whether in Fortran's order,
    /// buffer)`, or by `_frombuffer` of `(buffer, type, shape, order)`.
    pub(super) fn array(&self, id: Id) -> Option<&[u8]> {
        let &Node::Object { function, arguments, state } = self.node(id) else { return None };
        match (state.map(|state| self.items(state)), self.items(arguments)) {
            (Some(Some(&[_, _, _, order, buffer])), _) if *self.node(order) == Node::Integer(0) => {
                self.bytes(buffer)
            }
            (None, Some(&[buffer, _, _, order])) if self.bytes(order) == Some(b"C") => {
                let Node::Global(name) = self.node(function) else { return None };
                self.bytes[name.clone()].ends_with(b"_frombuffer").then(|| self.bytes(buffer)).flatten()
            }
            _ => None,
        }
    }
}

/// What a pickle is executed on.
#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    /// The next byte.
    at: usize,
    /// Where the current opcode is.
    opcode: usize,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// How many values are below each mark.
    marks: Vec<usize>,
    memory: HashMap<u64, Id>,
    /// Bytes that were made from text.
    made: usize,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Id, String> {
        loop {
            self.opcode = self.at;
            let code = self.number(1)? as u8;
            match code {
                b'.' => return self.pop(),
                // Protocol, and the length of a frame: of no use.
                0x80 => _ = self.number(1)?,
                0x95 => _ = self.number(8)?,
                b'(' => self.marks.push(self.stack.len()),
                b'0' => _ = self.pop()?,
                b'1' => _ = self.pop_to_mark()?,
                b'2' => self.stack.push(self.top()?),
                b'p' | b'q' | b'r' | 0x94 => self.remember(code)?,
                b'g' | b'h' | b'j' => self.recall(code)?,
                b'N' => self.push(Node::Other)?,
                0x88 => self.push(Node::Integer(1))?,
                0x89 => self.push(Node::Integer(0))?,
                b'G' => {
                    self.number(8)?;
                    self.push(Node::Other)?;
                }
                b'F' => {
                    self.line()?;
                    self.push(Node::Other)?;
                }
                b'I' | b'L' | b'J' | b'K' | b'M' | 0x8A | 0x8B => self.integer(code)?,
                b'U' | b'T' | b'X' | b'C' | b'B' | 0x8C..=0x8E | 0x96 => self.text(code)?,
                b')' | b't' | 0x85..=0x87 | b']' | b'l' | b'}' | b'd' => self.collection(code)?,
                b'a' | b'e' | b's' | b'u' => self.extend(code)?,
                b'c' | 0x93 | b'R' | 0x81 | b'b' => self.object(code)?,
                _ => return Err(format!("opcode {code:#04x} is in no batch of CIFAR")),
            }
        }
    }

    fn take(&mut self, count: usize) -> Result<Range<usize>, String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let range = self.at..end.ok_or_else(|| "the file ends before the pickle does".to_string())?;
        self.at = range.end;
        Ok(range)
    }

    /// A little-endian number of `count` bytes, 8 at most.
    fn number(&mut self, count: usize) -> Result<u64, String> {
        let range = self.take(count)?;
        Ok(self.bytes[range].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// The rest of the line.
    fn line(&mut self) -> Result<Range<usize>, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let line = self.take(length)?;
        self.take(1)?;
        Ok(line)
    }

    fn push(&mut self, node: Node) -> Result<(), String> {
        if self.nodes.len() == MOST_NODES {
            return Err(format!("it has more than {MOST_NODES} values"));
        }
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
        Ok(())
    }

    /// How many values are below the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, String> {
        let top = self.stack.last().filter(|_| self.stack.len() > self.floor());
        top.copied().ok_or_else(|| "there is no value to take".to_string())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("there is no mark to go back to")?;
        Ok(self.stack.split_off(mark))
    }

    fn remember(&mut self, code: u8) -> Result<(), String> {
        let key = if code == 0x94 { self.memory.len() as u64 } else { self.key(code, b'p', b'q')? };
        let top = self.top()?;
        self.memory.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, code: u8) -> Result<(), String> {
        let key = self.key(code, b'g', b'h')?;
        let value = self.memory.get(&key).ok_or_else(|| format!("nothing was remembered as {key}"))?;
        // A node may be on the stack any number of times; each costs as much as a value.
        if self.stack.len() >= MOST_NODES {
            return Err(format!("it has more than {MOST_NODES} values"));
        }
        self.stack.push(*value);
        Ok(())
    }

    /// A key of the memory: in digits, of one byte or of four.
    fn key(&mut self, code: u8, digits: u8, short: u8) -> Result<u64, String> {
        if code == digits {
            return Ok(self.digits()? as u64);
        }
        self.number(if code == short { 1 } else { 4 })
    }

    fn digits(&mut self) -> Result<i64, String> {
        let line = self.line()?;
        let text = self.bytes[line].trim_ascii();
        let digits = text.strip_suffix(b"L").unwrap_or(text);
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        number.ok_or_else(|| "it has a number that can't be read".to_string())
    }

    fn integer(&mut self, code: u8) -> Result<(), String> {
        let number = match code {
            b'I' | b'L' => self.digits()?,
            b'J' => i64::from(self.number(4)? as u32 as i32),
            b'K' => self.number(1)? as i64,
            b'M' => self.number(2)? as i64,
            _ => {
                let length = self.number(if code == 0x8A { 1 } else { 4 })? as usize;
                if length > 8 {
                    return Err(format!("it has an integer of {length} bytes"));
                }
                // The last bit is the sign.
                let unused = 64 - 8 * length as u32;
                (self.number(length)? as i64).checked_shl(unused).map_or(0, |number| number >> unused)
            }
        };
        self.push(Node::Integer(number))
    }

    fn text(&mut self, code: u8) -> Result<(), String> {
        let width = match code {
            b'U' | b'C' | 0x8C => 1,
            b'T' | b'X' | b'B' => 4,
            _ => 8,
        };
        let length = self.number(width)?;
        let range = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        self.push(Node::Text(range))
    }

    fn collection(&mut self, code: u8) -> Result<(), String> {
        let node = match code {
            b')' => Node::Tuple(Vec::new()),
            b']' => Node::List(Vec::new()),
            b'}' => Node::Dictionary(Vec::new()),
            b't' => Node::Tuple(self.pop_to_mark()?),
            b'l' => Node::List(self.pop_to_mark()?),
            b'd' => Node::Dictionary(pairs(&self.pop_to_mark()?)?),
            _ => {
                let mut items = Vec::new();
                for _ in 0x85..=code {
                    items.insert(0, self.pop()?);
                }
                Node::Tuple(items)
            }
        };
        self.push(node)
    }

    fn extend(&mut self, code: u8) -> Result<(), String> {
        let items = match code {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_to_mark()?,
        };
        let top = self.top()?;
        match (&mut self.nodes[top], code) {
            (Node::List(list), b'a' | b'e') => list.extend(items),
            (Node::Dictionary(entries), b's' | b'u') => entries.extend(pairs(&items)?),
            _ => return Err("it adds to what is no collection".into()),
        }
        Ok(())
    }

    fn object(&mut self, code: u8) -> Result<(), String> {
        match code {
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.push(Node::Global(module.start..name.end))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (&self.nodes[module], &self.nodes[name]) {
                    (Node::Text(_), Node::Text(name)) => {
                        let name = name.clone();
                        self.push(Node::Global(name))
                    }
                    _ => Err("a function's name is no text".into()),
                }
            }
            b'b' => {
                let (state, object) = (self.pop()?, self.top()?);
                match &mut self.nodes[object] {
                    Node::Object { state: place, .. } => *place = Some(state),
                    _ => return Err("it gives a state to what is no object".into()),
                }
                Ok(())
            }
            _ => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                match self.encoded(function, arguments)? {
                    Some(bytes) => self.push(Node::Bytes(bytes)),
                    None => self.push(Node::Object { function, arguments, state: None }),
                }
            }
        }
    }

    /// Bytes as Python 3 writes them for Python 2: `_codecs.encode(text, "latin1")`, each a letter.
    fn encoded(&mut self, function: Id, arguments: Id) -> Result<Option<Vec<u8>>, String> {
        let (Node::Global(name), Node::Tuple(items)) = (&self.nodes[function], &self.nodes[arguments]) else {
            return Ok(None);
        };
        let text = items.first().map(|&item| &self.nodes[item]);
        let (true, Some(Node::Text(text))) = (self.bytes[name.clone()].ends_with(b"encode"), text) else {
            return Ok(None);
        };
        // The same text may be encoded again and again.
        self.made += text.len();
        if self.made > self.bytes.len() {
            return Err("it has more bytes than its file".into());
        }
        let text = std::str::from_utf8(&self.bytes[text.clone()]).map_err(|error| error.to_string())?;
        let bytes: Result<Vec<u8>, _> = text.chars().map(|letter| u8::try_from(u32::from(letter))).collect();
        bytes.map(Some).map_err(|_| "it has a letter that is no byte".into())
    }
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, String> {
    let (pairs, rest) = items.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("a dictionary has a key without a value".into());
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(bytes: &[u8]) -> String {
        Pickle::read(bytes).unwrap_err()
    }

    #[test]
    fn numbers_of_every_protocol() {
        let bytes =
            b"\x80\x04(I-12\nL34L\nJ\xFE\xFF\xFF\xFFK\xC8M\x01\x02\x8A\x00\x8A\x01\xFF\x8A\x02\xE8\x03\x88t.";
        let pickle = Pickle::read(bytes).unwrap();
        let numbers: Vec<_> =
            pickle.items(pickle.top).unwrap().iter().map(|&item| pickle.node(item).clone()).collect();
        assert_eq!(numbers, [-12, 34, -2, 200, 513, 0, -1, 1000, 1].map(Node::Integer));
    }

    #[test]
    fn bombs_are_harmless() {
        // Nested 300,000 deep.
        let deep = [&b"\x80\x02)"[..], &vec![0x85; 300_000], b"."].concat();
        assert!(Pickle::read(&deep).is_ok());
        // 2 to the power of 40 items: each tuple has the one before twice.
        let mut twice = b"\x80\x02)q\x00".to_vec();
        for at in 0..40 {
            twice.extend([b'h', at, b'h', at, 0x86, b'q', at + 1]);
        }
        twice.push(b'.');
        assert_eq!(Pickle::read(&twice).unwrap().nodes.len(), 41);
        // A list within itself.
        assert!(Pickle::read(b"]q\x00h\x00a.").is_ok());
        assert_eq!(
            error(&vec![b'N'; MOST_NODES + 2]),
            format!("byte {MOST_NODES}: it has more than {MOST_NODES} values")
        );
        assert_eq!(
            error(b"\x8E\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
            "byte 0: the file ends before the pickle does"
        );
        let mut again = b"(c_codecs\nencode\nq\x01X\x09\0\0\0aaaaaaaaaq\x02".to_vec();
        again.extend(b"h\x01h\x02\x85R".repeat(20));
        assert!(error(&again).ends_with("it has more bytes than its file"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (bytes, expected) in [
            (&b"N"[..], "byte 1: the file ends before the pickle does"),
            (b".", "byte 0: there is no value to take"),
            (b"N(0", "byte 2: there is no value to take"),
            (b"e", "byte 0: there is no mark to go back to"),
            (b"Kaa", "byte 2: there is no value to take"),
            (b"h\x07", "byte 0: nothing was remembered as 7"),
            (b"NNb", "byte 2: it gives a state to what is no object"),
            (b"}(Nu", "byte 3: a dictionary has a key without a value"),
            (b"Q", "byte 0: opcode 0x51 is in no batch of CIFAR"),
        ] {
            assert_eq!(error(bytes), expected);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_pickle_or_an_error(bytes in proptest::collection::vec(
            prop_oneof![any::<u8>(), proptest::sample::select(&b"().NKU]}atebRcsuqh\x80\x85\x86\x93\x94\n0"[..])],
            0..200,
        )) {
            if let Ok(pickle) = Pickle::read(&bytes) {
                let _ = (pickle.get("data"), pickle.array(pickle.top), pickle.bytes(pickle.top));
            }
        }
    }
}
