//! Options for folders of photos.

use clap::Args;
use zoo_data::folder::{Background, ImageSize, Reading, Resize};

use super::global::IMAGES;

/// How photos in a folder are read.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PhotoArguments {
    /// The size that photos in a folder get: N for N×N pixels; native: as they are, all of one size; auto: as they are up to 64
    /// pixels if all have one size, else the largest of 32, 64, 96, 128, 160, 224 that nine in ten reach [default: auto]
    #[arg(long, global = true, value_name = "N|native|auto", help_heading = IMAGES)]
    image_size: Option<ImageSize>,
    /// How: crop: the largest part in the middle; pad: all of it on a background; stretch: all of it, distorted [default: crop]
    #[arg(long, global = true, value_name = "crop|pad|stretch", help_heading = IMAGES)]
    resize: Option<Resize>,
    /// What is behind transparent parts of photos: white, black, #ff8800 [default: white]
    #[arg(long, global = true, value_name = "COLOUR", help_heading = IMAGES)]
    background: Option<Background>,
    /// Go on without photos that can't be decoded
    #[arg(long, global = true, help_heading = IMAGES)]
    skip_broken: bool,
    /// Keep photos of one object on one side of each split: those whose names give the same match of this regular expression, or of its
    /// first group
    #[arg(long, global = true, value_name = "REGEX", help_heading = IMAGES)]
    group_by: Option<String>,
}

impl PhotoArguments {
    /// What is given, else what `base` has.
    pub(crate) fn over(&self, base: Reading) -> Reading {
        Reading {
            image_size: self.image_size.unwrap_or(base.image_size),
            resize: self.resize.unwrap_or(base.resize),
            background: self.background.unwrap_or(base.background),
            skip_broken: self.skip_broken || base.skip_broken,
            group_by: self.group_by.clone().or(base.group_by),
        }
    }

    /// Whether something is given.
    pub(crate) fn any(&self) -> bool {
        self.over(Reading::default()) != Reading::default()
    }
}
