/** Bytes of a response, four at a time. */

/** One in each of the four bytes. */
const each = 0x01010101
const high = 0x80808080 | 0
const quoteMark = 34
const backslash = 92
/** Below it are control characters. */
const space = 32

/** The index of the first of the four bytes that a high bit is set for. */
const firstOf = (flags: number): number => (31 - Math.clz32(flags & -flags)) >> 3

export class ByteWords {
  private readonly view: DataView
  private readonly last: number
  private readonly extra: number
  private readonly further: number

  /** The two others are below 128: `plainUntil` stops at them, too. */
  constructor(bytes: Uint8Array, extra: number = quoteMark, further: number = quoteMark) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.last = bytes.byteLength - 4
    this.extra = Math.imul(extra, each)
    this.further = Math.imul(further, each)
  }

  /**
   * The first place from there on whose byte is a quotation mark, a backslash, a control character, one of the others or one beyond
   * ASCII; at most three bytes before the end, which it does not look at.
   *
   * A byte is found by what subtracting borrows from its high bit. Such a borrow may also mark the bytes above it, never those
   * below, so the lowest mark is right.
   */
  plainUntil(first: number): number {
    const { extra, further, last, view } = this
    const quotes = quoteMark * each
    const backslashes = backslash * each
    const spaces = space * each
    for (let at = first; ; at += 4) {
      if (at > last) return at
      const word = view.getInt32(at, true)
      const quote = word ^ quotes
      const escape = word ^ backslashes
      const other = word ^ extra
      const another = word ^ further
      const flags =
        (((word - spaces) & ~word) |
          ((quote - each) & ~quote) |
          ((escape - each) & ~escape) |
          ((other - each) & ~other) |
          ((another - each) & ~another) |
          word) &
        high
      if (flags !== 0) return at + firstOf(flags)
    }
  }

  /** Whether the same bytes are at both places. */
  same(left: number, right: number, length: number): boolean {
    const { last, view } = this
    const end = length - 4
    if (end < 0 || left + end > last || right + end > last) return this.sameBytes(left, right, length)
    for (let i = 0; i < end; i += 4) {
      if (view.getInt32(left + i, true) !== view.getInt32(right + i, true)) return false
    }
    // The last four overlap those before.
    return view.getInt32(left + end, true) === view.getInt32(right + end, true)
  }

  private sameBytes(left: number, right: number, length: number): boolean {
    const { view } = this
    if (Math.max(left, right) + length > view.byteLength) return false
    for (let i = 0; i < length; i++) if (view.getUint8(left + i) !== view.getUint8(right + i)) return false
    return true
  }
}
