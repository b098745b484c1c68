//! What a backend is called.

use std::fmt;
use std::str::FromStr;

use zoo_core::Unknown;

use crate::error::BackendError;

/// What `--backend` asks for: a name, and for a GPU which of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The name.
    pub kind: Kind,
    /// The place of the adapter in the list that `zoo backends` prints.
    pub(crate) index: Option<usize>,
}

/// The names that `--backend` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A real GPU if one answers, else the CPU.
    Auto,
    /// The best compiled GPU backend.
    Gpu,
    /// Burn's fast CPU backend, with our own kernels.
    Flex,
    /// The older CPU backend.
    Ndarray,
    /// GPUs by the system's own API.
    Wgpu,
    /// GPUs by Vulkan with SPIR-V shaders.
    Vulkan,
    /// Apple GPUs with native shaders.
    Metal,
    /// The browser's API.
    Webgpu,
    /// NVIDIA GPUs.
    Cuda,
    /// AMD GPUs.
    Rocm,
}

/// `cpu` is another name of `flex`; where a kind has two names, the last is the one that is shown.
const NAMES: [(&str, Kind); 11] = [
    ("auto", Kind::Auto),
    ("cpu", Kind::Flex),
    ("gpu", Kind::Gpu),
    ("flex", Kind::Flex),
    ("ndarray", Kind::Ndarray),
    ("wgpu", Kind::Wgpu),
    ("vulkan", Kind::Vulkan),
    ("metal", Kind::Metal),
    ("webgpu", Kind::Webgpu),
    ("cuda", Kind::Cuda),
    ("rocm", Kind::Rocm),
];

impl Kind {
    /// Its name, `flex`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().rev().find(|(_, kind)| *kind == self).map_or("auto", |(name, _)| name)
    }

    /// Whether it is compiled in.
    #[must_use]
    pub const fn compiled(self) -> bool {
        match self {
            Self::Auto => true,
            Self::Gpu | Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Flex => cfg!(feature = "flex"),
            Self::Ndarray => cfg!(feature = "ndarray"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Webgpu => cfg!(feature = "webgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Rocm => cfg!(feature = "rocm"),
        }
    }
}

impl From<Kind> for Backend {
    fn from(kind: Kind) -> Self {
        Self { kind, index: None }
    }
}

impl FromStr for Backend {
    type Err = BackendError;

    fn from_str(text: &str) -> Result<Self, BackendError> {
        let (name, index) = match text.split_once(':') {
            None => (text, None),
            Some((name, index)) => {
                let wrong = || BackendError::Index { index: index.into(), text: text.into() };
                (name, Some(index.parse().map_err(|_| wrong())?))
            }
        };
        let found = NAMES.iter().find(|(valid, _)| *valid == name.to_lowercase());
        let unknown = || Unknown::new("backend", name, &NAMES.map(|(name, _)| name));
        let &(_, kind) = found.ok_or_else(unknown)?;
        if index.is_some() && matches!(kind, Kind::Auto | Kind::Gpu | Kind::Flex | Kind::Ndarray) {
            return Err(BackendError::NoIndex { name: name.into() });
        }
        Ok(Self { kind, index })
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        self.index.map_or(Ok(()), |index| write!(f, ":{index}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_indices_read_back() {
        for (name, kind) in NAMES {
            let backend: Backend = name.parse().unwrap();
            assert_eq!(backend, kind.into());
            assert_eq!(backend.to_string().parse::<Backend>().unwrap(), backend);
        }
        assert_eq!("WGPU:1".parse::<Backend>().unwrap(), Backend { kind: Kind::Wgpu, index: Some(1) });
        assert_eq!("cuda:2".parse::<Backend>().unwrap().to_string(), "cuda:2");
    }

    #[test]
    fn mistakes_are_explained() {
        let error = |text: &str| text.parse::<Backend>().unwrap_err().to_string();
        assert!(error("nadrray").contains("did you mean \"ndarray\"?"));
        assert!(error("wgpu:one").contains("\"one\" in \"wgpu:one\" is not a device index"));
        assert!(error("cpu:1").contains("cpu has no device index"));
    }
}
