/**
 * The sums of `ContentSum` from a record's JSON, without parsing it. The JSON has to be as `JSON.stringify` writes it: no name is
 * twice in an object, and nothing is nested deeper than a stack is.
 */
import * as Canonical from "./CanonicalJson.ts"
import * as ContentFields from "./ContentFields.ts"
import { addTo, type Field, spelt } from "./ContentSum.ts"
import * as DecimalText from "./DecimalText.ts"
import {
  begin,
  bytes as mixBytes,
  feed,
  firstOf,
  high,
  low,
  marks,
  mixed,
  notPlain,
  text as mixText
} from "./ContentMix.ts"

const [quote, hash, comma, question, backslash] = [34, 35, 44, 63, 92]
const [openList, closeList, openObject, closeObject] = [91, 93, 123, 125]
const [letterE, letterF, letterH, letterN, letterT] = [101, 102, 104, 110, 116]

/** Fields that have a facet or a spelling of their own, and those that outlines have, by the sums of their names. */
const slots = 128
const table: ReadonlyArray<Field | undefined> = (() => {
  const all: Array<Field | undefined> = Array.from({ length: slots })
  for (const name of [...ContentFields.known, "agentId", "organizationId"]) {
    const field = ContentFields.of(name)
    let slot = field.low & (slots - 1)
    while (all[slot] !== undefined) slot = (slot + 1) & (slots - 1)
    all[slot] = field
  }
  return all
})()

/** All others. */
const rest = ContentFields.facets.indexOf("rest")

const known = (): Field | undefined => {
  for (let slot = low & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
    const field = table[slot]
    if (field === undefined || (field.low === low && field.high === high)) return field
  }
}

const fields = {
  started: ContentFields.of("startedAt"),
  created: ContentFields.of("createdAt"),
  ended: ContentFields.of("endedAt"),
  agent: ContentFields.of("agentId"),
  organization: ContentFields.of("organizationId"),
  recording: ContentFields.of("recordingUrl"),
  analysis: ContentFields.of("postCallAnalysisResult")
}

const isWide = (byte: number): boolean => byte >= 128
/** Doubles of so many characters are written in one way. */
const shortNumber = 15

/** The sums and facts of records in one buffer. */
export class ContentScan {
  /** Text of the record that was scanned last; empty where it is none. */
  agent = ""
  organization = ""
  hasRecording = false
  hasAnalysis = false
  /** Instants of the next record that are known, so that their texts are not read again: NaN where one is not. */
  started = Number.NaN
  created = Number.NaN
  ended = Number.NaN
  /** Where the value ends that was mixed last. */
  private end = 0
  /** Bytes so far that are not a character of their own. */
  private shift = 0
  /** By their sums. */
  private readonly texts = new Map<number, { readonly high: number; readonly text: string }>()
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly text: string

  constructor(bytes: Uint8Array, text: string) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.text = text
  }

  /**
   * Adds the sums of the record whose brace is at a place.
   *
   * @param shift Bytes before it that are not a character of their own.
   */
  record(from: number, shift: number, sums: Uint32Array, to: number): void {
    const { bytes } = this
    this.shift = shift
    this.agent = ""
    this.organization = ""
    this.hasRecording = false
    this.hasAnalysis = false
    let at = from + 1
    while (bytes[at] === quote) {
      begin(0, 0)
      at = this.plain(at + 1) + 1
      if (bytes[at] === letterN) at += 4
      else {
        const field = known()
        const isThere = this.spelt(at, field)
        at = this.end
        if (isThere) addTo(sums, to, field?.place ?? rest)
      }
      if (bytes[at] === comma) at++
    }
  }

  /** Whether there is a value in the spelling of its field. */
  private spelt(at: number, field: Field | undefined): boolean {
    const isText = this.bytes[at] === quote
    if (field === undefined) this.end = this.value(at)
    else if (field === fields.recording && isText) this.path(at + 1)
    else if (isText && field.spell !== undefined) {
      const instant = this.instantOf(field)
      if (Number.isNaN(instant)) return spelt(field.spell(this.textAt(at)))
      this.end = this.skip(at + 1)
      spelt(instant)
    } else if (field.spellMembers !== undefined && this.bytes[at] === openObject) this.end = this.object(at + 1, true)
    else {
      if (field === fields.analysis)
        this.hasAnalysis = this.bytes[at] === openObject && this.bytes[at + 1] !== closeObject
      const { shift } = this
      this.end = this.value(at)
      if (isText && field === fields.agent) this.agent = this.known(at, shift)
      if (isText && field === fields.organization) this.organization = this.known(at, shift)
    }
    return true
  }

  private instantOf(field: Field): number {
    if (field === fields.started) return this.started
    if (field === fields.created) return this.created
    return field === fields.ended ? this.ended : Number.NaN
  }

  /** The text that was mixed last, which begins at a place: few texts come again and again, so each is made once. */
  private known(at: number, shift: number): string {
    const same = this.texts.get(low)
    if (same?.high === high) return same.text
    const text = this.textOf(at, this.end, shift)
    this.texts.set(low, { high, text })
    return text
  }

  /** A text between quotation marks; where it ends, `end` is behind it. */
  private textAt(at: number): string {
    const { shift } = this
    this.end = this.skip(at + 1)
    return this.textOf(at, this.end, shift)
  }

  private textOf(from: number, to: number, shift: number): string {
    const text = this.text.slice(from + 1 - shift, to - 1 - this.shift)
    return text.includes("\\") ? String(JSON.parse(`"${text}"`)) : text
  }

  /** A text up to what signs it, which is no part of it. */
  private path(first: number): void {
    const { bytes } = this
    this.hasRecording = bytes[first] !== quote
    this.end = this.skip(first)
    let to = first
    for (let byte = bytes[to]; byte !== question && byte !== hash && to < this.end - 1;) byte = bytes[++to]
    feed(marks.text)
    mixBytes(this.view, first, to)
  }

  private value(at: number): number {
    const byte = this.bytes[at] ?? 0
    if (byte === quote) return this.string(at + 1)
    if (byte === openObject) return this.object(at + 1, false)
    if (byte === openList) return this.list(at + 1)
    if (byte === letterT || byte === letterF || byte === letterN) {
      feed(byte === letterT ? marks.yes : byte === letterF ? marks.no : marks.none)
      return byte === letterF ? at + 5 : at + 4
    }
    return this.number(at)
  }

  private object(first: number, isCredits: boolean): number {
    const { bytes } = this
    const outerLow = low
    const outerHigh = high
    let allLow = 0
    let allHigh = 0
    let at = first
    while (bytes[at] === quote) {
      begin(0, 0)
      at = this.plain(at + 1) + 1
      if (bytes[at] === letterN) at += 4
      else {
        at = isCredits && bytes[at] === quote ? this.credit(at) : this.value(at)
        allLow = (allLow + mixed(low)) | 0
        allHigh = (allHigh + mixed(high)) | 0
      }
      if (bytes[at] === comma) at++
    }
    begin(outerLow, outerHigh)
    feed(marks.object)
    feed(allLow)
    feed(allHigh)
    return at + 1
  }

  private list(first: number): number {
    const { bytes } = this
    feed(marks.list)
    let at = first
    while (bytes[at] !== closeList) {
      at = this.value(at)
      if (bytes[at] === comma) at++
    }
    feed(marks.end)
    return at + 1
  }

  private credit(at: number): number {
    if (ContentFields.isLetter(this.bytes[at + 1] ?? 0)) return this.string(at + 1)
    const text = this.textAt(at)
    feed(marks.text)
    mixText(Canonical.withoutSignature(String(ContentFields.ofCredit(text))))
    return this.end
  }

  /** From behind a quotation mark to behind the next one. */
  private string(first: number): number {
    feed(marks.text)
    return ((this.bytes[first] ?? 0) | 32) === letterH && this.isAddress(first)
      ? this.address(first)
      : this.plain(first)
  }

  private isAddress(first: number): boolean {
    const letter = (i: number) => (this.bytes[first + i] ?? 0) | 32
    return letter(1) === letterT && letter(2) === letterT && letter(3) === 112
  }

  private address(first: number): number {
    mixText(Canonical.withoutSignature(this.textAt(first - 1)))
    return this.end
  }

  /** Mixes the bytes of a text in, up to behind its quotation mark. */
  private plain(first: number): number {
    const { bytes, view } = this
    const last = bytes.length - 4
    let a = low
    let b = high
    let at = first
    let word = 0
    let odd = 0
    for (; at <= last; at += 4) {
      word = view.getInt32(at, true)
      odd = notPlain(word)
      if (odd !== 0) break
      a = Math.imul(((a << 13) | (a >>> 19)) ^ word, 0x9e3779b1)
      b = Math.imul(((b << 17) | (b >>> 15)) ^ word, 0x5f356495)
    }
    begin(a, b)
    const ahead = (31 - Math.clz32(odd & -odd)) >> 3
    if (odd !== 0 && bytes[at + ahead] === quote) {
      if (ahead > 0) feed(firstOf(word, ahead))
      feed(at + ahead - first)
      return at + ahead + 1
    }
    const end = this.skip(at)
    mixBytes(view, at, end - 1, end - 1 - first)
    return end
  }

  /** From within a text to behind its quotation mark. */
  private skip(from: number): number {
    const { bytes } = this
    for (let at = from; ; at++) {
      const byte = bytes[at] ?? quote
      if (byte === quote) return at + 1
      if (byte === backslash) at++
      else if (isWide(byte)) {
        const more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
        at += more
        this.shift += more === 3 ? 2 : more
      }
    }
  }

  private number(first: number): number {
    const { bytes } = this
    let at = first
    let isPlain = true
    for (
      let byte = bytes[at] ?? 0;
      byte !== comma && byte !== closeObject && byte !== closeList;
      byte = bytes[++at] ?? comma
    ) {
      if ((byte | 32) === letterE) isPlain = false
    }
    feed(marks.text)
    if (isPlain && at - first <= shortNumber) mixBytes(this.view, first, at)
    else {
      const token = this.text.slice(first - this.shift, at - this.shift)
      mixText(DecimalText.canonical(token) ?? token)
    }
    return at
  }
}
