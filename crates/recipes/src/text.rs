//! The texts of the recipes that are compiled in.

/// The text of a recipe in `configs/`, from its path without `.toml`. The build script says where that folder is.
macro_rules! recipe {
    ($($path:literal),+) => {
        include_str!(concat!(env!("ZOO_CONFIGS"), "/", $($path,)+ ".toml"))
    };
}
pub(crate) use recipe;
