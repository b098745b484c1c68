//! Images in rows, as HTML: they wrap where a page is narrow, and captions keep their size.

use askama::Template;

use crate::grid::{Grid, Mark};
use crate::markup::Markup;
use crate::page::sprites::Sprites;

/// A grid with its words.
#[derive(Template)]
#[template(path = "grid.html")]
struct GridView<'a> {
    title: &'a str,
    notes: &'a str,
    rows: Vec<RowView<'a>>,
    left_out: usize,
}

struct RowView<'a> {
    label: &'a str,
    /// Those that are set apart, and the others.
    parts: [Vec<TileView<'a>>; 2],
}

struct TileView<'a> {
    window: Markup,
    caption: &'a str,
    class: &'static str,
    sign: &'static str,
}

/// `grid` for a page whose images are `sprites`. Images that it has no room for are left out, and counted.
pub(crate) fn view(grid: &Grid, sprites: &mut Sprites) -> Markup {
    let mut left_out = 0;
    let rows = grid.rows.iter().map(|row| {
        let mut parts = [Vec::new(), Vec::new()];
        for (column, tile) in row.tiles.iter().enumerate() {
            let Some(sprite) = sprites.add(&tile.image, 0) else {
                left_out += 1;
                continue;
            };
            let (class, sign) = match tile.mark {
                Mark::None => ("", ""),
                Mark::Right => ("right", "✓ "),
                Mark::Wrong => ("wrong", "✗ "),
            };
            let words = if tile.caption.is_empty() {
                format!("{} {}", grid.title, column + 1)
            } else {
                tile.caption.clone()
            };
            let view = TileView { window: sprite.window(&words), caption: &tile.caption, class, sign };
            parts[usize::from(column >= grid.apart)].push(view);
        }
        RowView { label: &row.label, parts }
    });
    let rows = rows.collect();
    Markup::of(&GridView { title: &grid.title, notes: &grid.notes, rows, left_out })
}
