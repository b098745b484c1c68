//! For tests of pictures.

use resvg::usvg::{Options, Tree};

use crate::picture::Picture;

/// Renders a picture, checks what all of them keep to, and returns the pixels `[row, column]`, red, green, blue.
pub(crate) fn rendered(picture: &Picture) -> image::RgbImage {
    let svg = picture.svg();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "only numbers in\n{svg}");
    let tree = Tree::from_str(svg, &Options::default()).expect("the SVG is well-formed");
    let png = picture.png().expect("it can be rendered");
    let pixels = image::load_from_memory(&png).expect("the PNG can be decoded").to_rgb8();
    let doubled = |length: f32| (2.0 * length).ceil() as u32;
    assert_eq!(pixels.dimensions(), (doubled(tree.size().width()), doubled(tree.size().height())));
    assert_eq!(pixels.get_pixel(0, 0).0, [255; 3], "the background is white");
    assert!(pixels.pixels().any(|pixel| pixel.0 != [255; 3]), "nothing is drawn");
    pixels
}
