//! Pictures: decoded within limits and encoded anew, so that nothing is kept but the picture.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
    },
    imageops::FilterType as Resampling,
};

use super::{Found, Kept, Prepared, Refused};

/// Percent.
const QUALITY: u8 = 85;
const THUMBNAIL_QUALITY: u8 = 75;
/// Pixels of a thumbnail's longer edge.
const THUMBNAIL: u32 = 320;
/// The formats could say up to 65,535, and a picture of 1 by 65,535 is none that somebody took.
const LONGEST_SIDE: u32 = 30_000;
/// What a decoder may use for each pixel: 16 bits in each of four channels, and the lines it works on.
const BYTES_PER_PIXEL: u64 = 10;

/// How large pictures may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImageLimits {
    /// Of a picture that is sent.
    pub(crate) pixels: u64,
    /// Pixels of the longer edge of what is kept.
    pub(crate) longest_edge: u32,
}

pub(super) fn prepare(found: Found, content: &[u8], limits: ImageLimits) -> Result<Prepared, Refused> {
    let picture = read(found, content, limits)?;
    let edge = limits.longest_edge;
    let picture = if picture.width().max(picture.height()) > edge {
        picture.resize(edge, edge, Resampling::Triangle)
    } else {
        picture
    };
    // Only what needs it is kept as PNG: drawings, and pictures one can see through.
    let kept = if found == Found::Png || picture.color().has_alpha() { Kept::Png } else { Kept::Jpeg };
    let thumbnail = picture.thumbnail(THUMBNAIL.min(picture.width()), THUMBNAIL.min(picture.height()));
    Ok(Prepared {
        kept,
        width: picture.width(),
        height: picture.height(),
        thumbnail: Some(encode(&thumbnail, kept, THUMBNAIL_QUALITY)?),
        content: encode(&picture, kept, QUALITY)?,
    })
}

/// The picture, upright. Its size is looked at before any of it is decoded.
fn read(found: Found, content: &[u8], limits: ImageLimits) -> Result<DynamicImage, Refused> {
    let format = match found {
        Found::Jpeg => ImageFormat::Jpeg,
        Found::Png => ImageFormat::Png,
        Found::Webp => ImageFormat::WebP,
        Found::Pdf => return Err(Refused::Type),
    };
    let refused = |error: ImageError| match error {
        ImageError::Limits(_) => Refused::TooManyPixels(limits.pixels),
        _ => Refused::Damaged,
    };
    let mut allowed = Limits::default();
    allowed.max_image_width = Some(LONGEST_SIDE);
    allowed.max_image_height = Some(LONGEST_SIDE);
    allowed.max_alloc = Some(limits.pixels.saturating_mul(BYTES_PER_PIXEL));
    let mut reader = ImageReader::with_format(Cursor::new(content), format);
    reader.limits(allowed);
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > limits.pixels {
        return Err(Refused::TooManyPixels(limits.pixels));
    }
    let orientation = decoder.orientation().map_err(refused)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refused)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn encode(picture: &DynamicImage, kept: Kept, quality: u8) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::new();
    let written = match kept {
        Kept::Png if picture.color().has_alpha() => png(&mut out, &DynamicImage::from(picture.to_rgba8())),
        Kept::Png => png(&mut out, &DynamicImage::from(picture.to_rgb8())),
        Kept::Jpeg | Kept::Pdf => {
            JpegEncoder::new_with_quality(&mut out, quality).encode_image(&DynamicImage::from(picture.to_rgb8()))
        }
    };
    written.map_err(|_| Refused::Damaged)?;
    Ok(out)
}

fn png(out: &mut Vec<u8>, picture: &DynamicImage) -> Result<(), ImageError> {
    picture.write_with_encoder(PngEncoder::new_with_quality(out, CompressionType::Default, FilterType::Adaptive))
}

#[cfg(test)]
mod tests {
    use image::{ImageEncoder, Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    const LIMITS: ImageLimits = ImageLimits { pixels: 1_000_000, longest_edge: 300 };

    /// Red above, blue below.
    fn two_halves(width: u32, height: u32) -> DynamicImage {
        DynamicImage::from(RgbImage::from_fn(width, height, |_, y| {
            if y < height / 2 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) }
        }))
    }

    fn jpeg(picture: &DynamicImage) -> Vec<u8> {
        encode(picture, Kept::Jpeg, 90).expect("a picture")
    }

    /// An EXIF segment (APP1) that says: turned by 180 degrees, with a maker's name and a place.
    fn with_exif(jpeg: &[u8]) -> Vec<u8> {
        let mut tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01".to_vec();
        tiff.extend(b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x03\x00\x00\x00\x00\x00\x00");
        tiff.extend(b"GPS 31.86N 106.75E SECRET-CAMERA");
        let length = u16::try_from(tiff.len() + 8).expect("short").to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, b"Exif\x00\x00", &tiff, &jpeg[2..]].concat()
    }

    fn holds(bytes: &[u8], mark: &[u8]) -> bool {
        bytes.windows(mark.len()).any(|window| window == mark)
    }

    #[test]
    fn a_photo_is_turned_upright_and_says_nothing_else() -> Result<(), Refused> {
        let sent = with_exif(&jpeg(&two_halves(64, 32)));
        let sent = [sent, b"<script>alert(1)</script>PK\x05\x06".to_vec()].concat();
        assert!(holds(&sent, b"SECRET-CAMERA"));
        let prepared = prepare(Found::Jpeg, &sent, LIMITS)?;
        assert_eq!((prepared.kept, prepared.width, prepared.height), (Kept::Jpeg, 64, 32));
        for made in [&prepared.content, prepared.thumbnail.as_ref().ok_or(Refused::Damaged)?] {
            for mark in [b"Exif".as_slice(), b"SECRET-CAMERA", b"GPS", b"<script", b"PK\x05\x06", b"ICC_PROFILE"] {
                assert!(!holds(made, mark), "{}", String::from_utf8_lossy(mark));
            }
            let picture = read(Found::Jpeg, made, LIMITS)?.to_rgb8();
            let (above, below) = (picture.get_pixel(10, 4), picture.get_pixel(10, picture.height() - 4));
            assert!(above[2] > 200 && above[0] < 60, "blue is above now: {above:?}");
            assert!(below[0] > 200 && below[2] < 60, "{below:?}");
        }
        Ok(())
    }

    #[test]
    fn a_text_chunk_of_a_png_goes() -> Result<(), Refused> {
        let mut sent = encode(&two_halves(20, 20), Kept::Png, 0)?;
        let text = b"tEXtComment\x00<svg onload=alert(1)>";
        let at = 8 + 25;
        let length = u32::try_from(text.len() - 4).expect("short").to_be_bytes();
        let chunk = [&length, text.as_slice(), &crc(text).to_be_bytes()].concat();
        sent.splice(at..at, chunk);
        let prepared = prepare(Found::Png, &sent, LIMITS)?;
        assert!(holds(&sent, b"onload") && !holds(&prepared.content, b"onload"));
        assert_eq!(prepared.kept, Kept::Png);
        Ok(())
    }

    fn crc(bytes: &[u8]) -> u32 {
        let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
        !bytes.iter().fold(!0, byte)
    }

    /// A PNG that says it has 65,535 by 65,535 pixels and holds next to nothing.
    #[test]
    fn a_flood_of_pixels_is_refused_before_it_is_decoded() {
        let mut header = b"IHDR".to_vec();
        header.extend(65_535u32.to_be_bytes());
        header.extend(65_535u32.to_be_bytes());
        header.extend([8, 6, 0, 0, 0]);
        let data = b"IDAT\x78\x9c\x03\x00\x00\x00\x00\x01";
        let mut bomb = b"\x89PNG\r\n\x1a\n".to_vec();
        for chunk in [header.as_slice(), data, b"IEND"] {
            bomb.extend(u32::try_from(chunk.len() - 4).expect("short").to_be_bytes());
            bomb.extend(chunk);
            bomb.extend(crc(chunk).to_be_bytes());
        }
        assert_eq!(prepare(Found::Png, &bomb, LIMITS).err(), Some(Refused::TooManyPixels(1_000_000)));
        let wide = jpeg(&two_halves(1_001, 1_000));
        assert_eq!(prepare(Found::Jpeg, &wide, LIMITS).err(), Some(Refused::TooManyPixels(1_000_000)));
    }

    #[test]
    fn large_pictures_become_smaller_and_clear_ones_stay_clear() -> Result<(), Refused> {
        let prepared = prepare(Found::Jpeg, &jpeg(&two_halves(900, 450)), LIMITS)?;
        assert_eq!((prepared.width, prepared.height), (300, 150));
        let clear = RgbaImage::from_pixel(10, 10, Rgba([1, 2, 3, 0]));
        let mut webp = Vec::new();
        let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut webp);
        encoder.write_image(&clear, 10, 10, image::ExtendedColorType::Rgba8).map_err(|_| Refused::Damaged)?;
        let prepared = prepare(Found::Webp, &webp, LIMITS)?;
        assert_eq!((prepared.kept, prepared.width), (Kept::Png, 10));
        assert!(read(Found::Png, &prepared.content, LIMITS)?.color().has_alpha());
        Ok(())
    }

    #[test]
    fn every_cut_of_a_picture_is_refused_or_read_and_never_more() {
        let whole = encode(&two_halves(40, 40), Kept::Png, 0).expect("a picture");
        for end in 0..whole.len() {
            let _ = prepare(Found::Png, &whole[..end], LIMITS);
        }
        let whole = jpeg(&two_halves(40, 40));
        for end in 0..whole.len() {
            let _ = prepare(Found::Jpeg, &whole[..end], LIMITS);
        }
    }
}
