/**
 * What the first bytes of a file say that it is. Only the families listed here are ever handed to ffmpeg: it opens
 * a hundred more formats, among them playlists that name other files.
 */
export type Signature =
  | { kind: 'video'; name: string; demuxers: readonly string[] }
  | { kind: 'audio'; name: string }
  | { kind: 'image'; name: string }
  | { kind: 'refused'; name: string }
  | { kind: 'unknown' };

/** Enough for five packets of a transport stream that was cut anywhere, and for the first pages of Ogg. */
export const SIGNATURE_BYTES = 8192;

interface Rule {
  /** At the very beginning, in Latin-1, one character a byte. */
  bytes: string;
  signature: Signature;
}

const video = (name: string, ...demuxers: string[]): Signature => ({ kind: 'video', name, demuxers });
const audio = (name: string): Signature => ({ kind: 'audio', name });
const image = (name: string): Signature => ({ kind: 'image', name });
const refused = (name: string): Signature => ({ kind: 'refused', name });

const RULES: readonly Rule[] = [
  { bytes: '\x1a\x45\xdf\xa3', signature: video('Matroska', 'matroska') },
  { bytes: 'GIF87a', signature: video('GIF', 'gif') },
  { bytes: 'GIF89a', signature: video('GIF', 'gif') },
  { bytes: '\x00\x00\x01\xba', signature: video('MPEG program stream', 'mpeg') },
  { bytes: '\x00\x00\x01\xb3', signature: video('MPEG video', 'mpegvideo') },
  { bytes: '\x00\x00\x01\xb0', signature: video('MPEG-4 video', 'm4v') },
  { bytes: 'FLV\x01', signature: video('FLV', 'flv') },
  { bytes: '\x30\x26\xb2\x75\x8e\x66\xcf\x11', signature: video('ASF', 'asf') },
  { bytes: 'DKIF', signature: video('IVF', 'ivf') },
  { bytes: 'YUV4MPEG2 ', signature: video('YUV4MPEG', 'yuv4mpegpipe') },
  { bytes: '\x06\x0e\x2b\x34\x02\x05\x01\x01', signature: video('MXF', 'mxf') },
  { bytes: '\xb7\xd8\x00\x20\x37\x49\xda\x11', signature: video('WTV', 'wtv') },
  { bytes: 'nut/multimedia container\x00', signature: video('NUT', 'nut') },
  { bytes: '.RMF\x00\x00', signature: video('RealMedia', 'rm') },
  { bytes: '\x1f\x07\x00', signature: video('DV', 'dv') },
  { bytes: 'ID3\x02', signature: audio('an MP3 file') },
  { bytes: 'ID3\x03', signature: audio('an MP3 file') },
  { bytes: 'ID3\x04', signature: audio('an MP3 file') },
  { bytes: '\xff\xfb', signature: audio('an MP3 file') },
  { bytes: '\xff\xf1', signature: audio('an AAC file') },
  { bytes: 'fLaC', signature: audio('a FLAC file') },
  { bytes: '#!AMR', signature: audio('an AMR file') },
  { bytes: '\xff\xd8\xff', signature: image('a JPEG image') },
  { bytes: '\x89PNG\r\n', signature: image('a PNG image') },
  { bytes: 'II*\x00', signature: image('a TIFF image') },
  { bytes: 'MM\x00*', signature: image('a TIFF image') },
];

/** Text formats that ffmpeg would open, with what they name. A byte order mark and blanks may stand before. */
const TEXT_RULES: readonly [RegExp, string][] = [
  [/^#EXT(M3U|INF|-X-)/i, 'an HLS playlist'],
  [/^ffconcat\b/i, 'an ffmpeg concat list'],
  [/^file\s+['"/\w.]/i, 'an ffmpeg concat list'],
  [/^v=0\r?\no=/, 'an SDP session description'],
  [/^\[playlist\]/i, 'a playlist'],
  [/^\[(reference|script info)\]/i, 'a playlist or subtitle file'],
  [/^<(asx|smil|mpd|SmoothStreamingMedia|svg|wpl)\b/i, 'a playlist or image in XML'],
  [
    /^<\?xml\b[\s\S]*?<(asx|smil|mpd|SmoothStreamingMedia|svg|wpl|playlist|tt)\b/i,
    'a playlist, image or subtitle file in XML',
  ],
  [/^WEBVTT/, 'a subtitle file'],
  [/^1\r?\n\d\d:\d\d:\d\d[,.]\d{3} -->/, 'a subtitle file'],
  [/^RTSPtext/i, 'a stream reference'],
  [/^(rtsp|rtmp|mms|https?):\/\//i, 'a stream reference'],
  [/^;FFMETADATA/, 'an ffmpeg metadata file'],
  [/^#!RIS|^# VobSub/i, 'a subtitle index'],
];

/** First atoms of ISO media and QuickTime files. The short words may open a text as well: their size must fit. */
const MOVIE_ATOMS = new Set([
  'ftyp',
  'moov',
  'mdat',
  'moof',
  'styp',
  'sidx',
  'pnot',
  'wide',
  'free',
  'skip',
  'uuid',
]);
const ATOMS_OF_ANY_SIZE = new Set(['moov', 'mdat', 'moof']);
const IMAGE_BRANDS = new Set(['heic', 'heix', 'heim', 'heis', 'mif1', 'avif', 'crx ']);
const AUDIO_BRANDS = new Set(['M4A ', 'M4B ', 'M4P ', 'F4A ', 'F4B ']);
const OGG_VIDEO = ['\x80theora', 'BBCD\x00', 'OVP80', '\x01video\x00'];
/** Unit 7. The two bits before the number tell how much depends on the unit: 1, 2 or 3, never 0. */
const H264_PARAMETERS: readonly string[] = ['\x27', '\x47', '\x67'];
const HEVC_PARAMETERS: readonly string[] = ['\x40\x01'];

/** `head` is the first SIGNATURE_BYTES of the file, or all of it. */
export function readSignature(head: Buffer, fileBytes: number): Signature {
  const text = head.toString('latin1');
  return (
    movieSignature(text, head, fileBytes) ??
    RULES.find(({ bytes }) => text.startsWith(bytes))?.signature ??
    unitSignature(text, head) ??
    riffSignature(text) ??
    oggSignature(text) ??
    transportSignature(head) ??
    textSignature(text) ?? { kind: 'unknown' }
  );
}

function movieSignature(text: string, head: Buffer, fileBytes: number): Signature | null {
  const type = text.slice(4, 8);
  if (head.length < 8 || !MOVIE_ATOMS.has(type)) return null;
  const size = head.readUInt32BE(0);
  const fits = size === 0 || size === 1 || (size >= 8 && size <= fileBytes);
  if (!fits && !ATOMS_OF_ANY_SIZE.has(type)) return null;
  const brand = type === 'ftyp' ? text.slice(8, 12) : '';
  if (IMAGE_BRANDS.has(brand)) return image('a HEIF or AVIF image');
  if (AUDIO_BRANDS.has(brand)) return audio('an MPEG-4 audio file');
  return video('MP4 or QuickTime', 'mov');
}

/** Streams of H.264 and HEVC without a container: units, each behind two zeros or more and a one. */
function unitSignature(text: string, head: Buffer): Signature | null {
  const one = head.findIndex((byte) => byte !== 0);
  if (one < 2 || head[one] !== 1) return null;
  const [first = 0, second = 0] = head.subarray(one + 1, one + 3);
  const names = (starts: readonly string[]) => starts.some((start) => text.includes(`\x00\x00\x01${start}`));
  const hevc = () => video('HEVC stream', 'hevc');
  if (second === 0x01) {
    // Parameters of the video (32), a delimiter (35), or a remark (39) that stands before parameters.
    if (first === 0x40 || first === 0x46) return hevc();
    if (first === 0x4e && names(HEVC_PARAMETERS)) return hevc();
  }
  const isDelimiter = first === 0x09 && (second & 0x1f) === 0x10;
  const isRemark = first === 0x06 && names(H264_PARAMETERS);
  const isParameters = H264_PARAMETERS.includes(String.fromCharCode(first));
  return isDelimiter || isRemark || isParameters ? video('H.264 stream', 'h264') : null;
}

function riffSignature(text: string): Signature | null {
  if (!text.startsWith('RIFF')) return null;
  const form = text.slice(8, 12);
  if (form === 'WAVE') return audio('a WAVE file');
  return form === 'AVI ' || form === 'AVIX' ? video('AVI', 'avi') : null;
}

function oggSignature(text: string): Signature | null {
  if (!text.startsWith('OggS')) return null;
  // The first pages announce every stream of the file.
  return OGG_VIDEO.some((mark) => text.includes(mark)) ? video('Ogg', 'ogg') : audio('an Ogg audio file');
}

/** Packets of 188, 192 (with time codes) or 204 bytes, each beginning with 0x47 at the same place. */
function transportSignature(head: Buffer): Signature | null {
  for (const packetBytes of [188, 192, 204]) {
    for (let first = 0; first < packetBytes; first += 1) {
      let packets = 0;
      while (head[first + packets * packetBytes] === 0x47) packets += 1;
      const fewAreAll = first <= 4 && packets >= 2 && first + packets * packetBytes >= head.length;
      if (packets >= 5 || fewAreAll) return video('MPEG transport stream', 'mpegts');
    }
  }
  return null;
}

function textSignature(text: string): Signature | null {
  const start = text.replace(/^\xef\xbb\xbf/, '').trimStart();
  const rule = TEXT_RULES.find(([pattern]) => pattern.test(start));
  return rule ? refused(rule[1]) : null;
}
