//! What is for sale: styles in colours and sizes, with names, numbers, barcodes and prices that could be real.

use super::text;
use crate::domain::money::Minor;
use rand::Rng;
use rand_chacha::ChaCha12Rng;

/// Why an item cannot be matched by its SKU alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dirt {
    /// Sold on the web only.
    WebOnly,
    /// Sold in the stores only.
    TillOnly,
    /// The till writes the SKU in another case.
    Case,
    /// Two till products carry this SKU.
    Duplicate,
}

/// One sellable thing, with what each side calls it.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub style: usize,
    pub variant: usize,
    pub colour: &'static str,
    pub size: &'static str,
    /// The SKU people use in this world; the shop prints the same.
    pub sku: String,
    pub till_sku: String,
    pub size_number: String,
    pub ean: Option<String>,
    /// Including tax.
    pub price: Minor,
    pub cost: Minor,
    pub product_id: String,
    pub size_id: i64,
    pub dirt: Option<Dirt>,
}

impl Item {
    pub fn on_till(&self) -> bool {
        self.dirt != Some(Dirt::WebOnly)
    }

    pub fn on_web(&self) -> bool {
        self.dirt != Some(Dirt::TillOnly)
    }
}

/// A style: one product in the shop, one family in the till.
#[derive(Debug, Clone)]
pub(super) struct Style {
    pub name: String,
    pub number: String,
    pub family_id: String,
    pub web_id: i64,
    pub handle: String,
}

/// A style in one colour: a variant in the shop.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub style: usize,
    pub colour: &'static str,
    pub number: String,
    pub web_id: i64,
    pub items: Vec<usize>,
}

/// The whole range.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalogue {
    pub styles: Vec<Style>,
    pub variants: Vec<Variant>,
    pub items: Vec<Item>,
}

const FABRICS: &[&str] =
    &["Linen", "Merino", "Cotton", "Silk", "Denim", "Wool", "Cashmere", "Corduroy", "Tencel", "Flannel"];
const GARMENTS: &[(&str, &str, &[&str], i64)] = &[
    ("Shirt", "SHI", &["XS", "S", "M", "L", "XL"], 6_990),
    ("Trousers", "TRO", &["28", "30", "32", "34", "36"], 8_950),
    ("Crew Neck", "CRW", &["XS", "S", "M", "L", "XL"], 7_500),
    ("Midi Dress", "DRS", &["8", "10", "12", "14", "16"], 12_900),
    ("Overshirt", "OVR", &["S", "M", "L", "XL"], 11_500),
    ("Tee", "TEE", &["XS", "S", "M", "L", "XL"], 2_990),
    ("Cardigan", "CAR", &["XS", "S", "M", "L"], 9_800),
    ("Trainers", "TRN", &["37", "38", "39", "40", "41", "42"], 9_990),
    ("Scarf", "SCF", &["One size"], 4_500),
    ("Beanie", "BEA", &["One size"], 2_450),
    ("Wide Jeans", "JNS", &["26", "27", "28", "29", "30", "31"], 8_490),
    ("Coat", "COA", &["S", "M", "L"], 24_900),
];
const COLOURS: &[(&str, &str)] = &[
    ("Navy", "NVY"),
    ("Black", "BLK"),
    ("Ecru", "ECR"),
    ("Olive", "OLV"),
    ("Rust", "RST"),
    ("Sky", "SKY"),
    ("Charcoal", "CHA"),
    ("Blush", "BLU"),
];

impl Catalogue {
    /// A range of exactly `skus` items.
    pub fn invent(rng: &mut ChaCha12Rng, skus: usize, dirt_percent: u32) -> Self {
        let mut range = Catalogue::default();
        while range.items.len() < skus {
            range.add_style(rng, skus);
        }
        range.soil(rng, dirt_percent);
        range
    }

    fn add_style(&mut self, rng: &mut ChaCha12Rng, skus: usize) {
        let n = self.styles.len();
        let (garment, prefix, sizes, base) = GARMENTS[n % GARMENTS.len()];
        let fabric = FABRICS[(n / GARMENTS.len() + n) % FABRICS.len()];
        let name = format!("{fabric} {garment}");
        let number = format!("{prefix}{}", 1_001 + n);
        let handle = format!("{}-{}", name.to_lowercase().replace(' ', "-"), 1_001 + n);
        let price = Minor(base + 500 * rng.random_range(0..6));
        self.styles.push(Style {
            name,
            number: number.clone(),
            family_id: text::uuid(rng),
            web_id: 11 + n as i64,
            handle,
        });
        let first = rng.random_range(0..COLOURS.len());
        for c in 0..rng.random_range(2..=4) {
            let (colour, code) = COLOURS[(first + c) % COLOURS.len()];
            let variant = self.variants.len();
            let mut items = Vec::new();
            for size in sizes {
                if self.items.len() == skus {
                    break;
                }
                let at = self.items.len();
                let size_number = format!("-{}", size.replace("One size", "OS"));
                let sku = format!("{number}-{code}{size_number}");
                items.push(at);
                self.items.push(Item {
                    style: n,
                    variant,
                    colour,
                    size,
                    till_sku: sku.clone(),
                    sku,
                    size_number,
                    ean: Some(ean13(at as u64)),
                    price,
                    cost: Minor(price.0 * 2 / 5),
                    product_id: text::uuid(rng),
                    size_id: 281 + at as i64,
                    dirt: None,
                });
            }
            if !items.is_empty() {
                self.variants.push(Variant {
                    style: n,
                    colour,
                    number: format!("-{code}"),
                    web_id: 2_001 + variant as i64,
                    items,
                });
            }
        }
    }

    /// Whether exactly one till item carries this SKU, letter for letter.
    pub fn carried_once(&self, till_sku: &str) -> bool {
        self.items.iter().filter(|item| item.on_till() && item.till_sku == till_sku).count() == 1
    }

    /// Names products and families by their place, as a till does that counts them.
    pub fn number_products(&mut self) {
        for (k, item) in self.items.iter_mut().enumerate() {
            item.product_id = (k + 1).to_string();
        }
        for (k, style) in self.styles.iter_mut().enumerate() {
            style.family_id = (k + 1).to_string();
        }
    }

    fn soil(&mut self, rng: &mut ChaCha12Rng, percent: u32) {
        for at in 0..self.items.len() {
            if rng.random_range(0..100) >= percent {
                continue;
            }
            let kind = match rng.random_range(0..4) {
                0 => Dirt::WebOnly,
                1 => Dirt::TillOnly,
                2 => Dirt::Case,
                _ if at > 0 => Dirt::Duplicate,
                _ => Dirt::Case,
            };
            // Only what stands in the till itself can stand there twice.
            let before = at.checked_sub(1).and_then(|i| self.items.get(i)).filter(|item| item.on_till());
            let neighbour = before.map(|item| item.till_sku.clone());
            let item = &mut self.items[at];
            item.dirt = Some(kind);
            match (kind, neighbour) {
                (Dirt::Case, _) => {
                    item.till_sku = item.sku.to_lowercase();
                    item.ean = None;
                }
                (Dirt::Duplicate, Some(sku)) => {
                    item.till_sku = sku;
                    item.ean = None;
                }
                (Dirt::Duplicate, None) => {
                    item.dirt = Some(Dirt::Case);
                    item.till_sku = item.sku.to_lowercase();
                    item.ean = None;
                }
                _ => {}
            }
        }
    }
}

/// A thirteen-digit barcode with a right check digit, in a range that shops use inside their own walls.
fn ean13(n: u64) -> String {
    let body = format!("20{:010}", 7_340_000 + n);
    let sum: u32 = body.bytes().enumerate().map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 1 } else { 3 }).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::BTreeSet;

    #[test]
    fn a_clean_range_has_unique_numbers_of_the_right_count() {
        let range = Catalogue::invent(&mut ChaCha12Rng::seed_from_u64(3), 500, 0);
        let skus: BTreeSet<_> = range.items.iter().map(|i| i.sku.clone()).collect();
        let eans: BTreeSet<_> = range.items.iter().filter_map(|i| i.ean.clone()).collect();
        assert_eq!((range.items.len(), skus.len(), eans.len()), (500, 500, 500));
        assert!(range.variants.iter().all(|v| v.items.iter().all(|i| {
            let item = &range.items[*i];
            item.sku == format!("{}{}{}", range.styles[v.style].number, v.number, item.size_number)
        })));
    }

    #[test]
    fn check_digits_follow_the_rule() {
        let code = ean13(17);
        let sum: u32 =
            code.bytes().enumerate().map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 1 } else { 3 }).sum();
        assert_eq!((code.len(), sum % 10), (13, 0));
    }

    #[test]
    fn dirt_comes_in_every_kind() {
        let range = Catalogue::invent(&mut ChaCha12Rng::seed_from_u64(5), 400, 20);
        for kind in [Dirt::WebOnly, Dirt::TillOnly, Dirt::Case, Dirt::Duplicate] {
            assert!(range.items.iter().any(|i| i.dirt == Some(kind)), "{kind:?}");
        }
    }
}
