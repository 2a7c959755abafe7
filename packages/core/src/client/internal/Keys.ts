/**
 * Keys of the objects in a response. Nearly each call has the keys of the call before, in the same order: so a key is compared
 * with the one that came behind its predecessor there, and only read where it is another one.
 */
import { ByteWords } from "./ByteWords.ts"

/** Read by columns: see `Packed.columnsOf`, which reads these fields of a call and no others. */
export const read = ["id", "startedAt", "createdAt", "endedAt", "status", "costTotal"] as const
/** Roles of a key: its place in `read`, that it is a number, or any other one. */
export const [number, other] = [-1, -2]
/** An exponent of a cost is written out. */
export const cost = read.indexOf("costTotal")

const roles = new Map<string, number>([
  ...read.map((name, place) => [name, place] as const),
  // A text in them becomes a number, in the record itself and in its credits.
  ["durationSec", number],
  ["callLatencyMs", number]
])
const rolesOfCredits = new Map<string, number>(
  ["duration_sec", "model_credits", "provider_credits", "total_credits"].map((name) => [name, number])
)
const nothing = new Map<string, number>()

const begins = /^\d/

/** A key at one depth. */
export interface Key {
  /** In bytes, without quotation marks; where it came first. */
  readonly first: number
  readonly length: number
  readonly depth: number
  /** What its value is for: see `number`. */
  readonly role: number
  readonly isSought: boolean
  /** Its call has to be parsed. */
  readonly isOdd: boolean
  /** Reading it again would find nothing but the key itself. */
  readonly isPlain: boolean
  /** The last object that had it. */
  object: number
  /** The key that came behind it last, and another one that came before that: a call may lack a field, or have an empty object. */
  next: Key | undefined
  earlier: Key | undefined
}

export interface Found {
  readonly first: number
  readonly end: number
  readonly depth: number
  readonly isPlain: boolean
  /** As it is written. */
  readonly text: string
}

const makeKey = ({ depth, end, first, isPlain, text }: Found, fields: ReadonlySet<string>): Key => {
  const name: unknown = isPlain ? text : JSON.parse(`"${text}"`)
  const known = depth === 0 ? roles : depth === 1 ? rolesOfCredits : nothing
  return {
    first,
    length: end - first,
    depth,
    role: known.get(text) ?? other,
    isSought: depth === 0 && typeof name === "string" && fields.has(name),
    // The edition with snake_case is parsed; and an object has keys that are numbers in front.
    isOdd: begins.test(text) || (depth === 0 && text.includes("_")),
    isPlain,
    object: 0,
    next: undefined,
    earlier: undefined
  }
}

export class Keys {
  private readonly words: ByteWords
  private readonly fields: ReadonlySet<string>
  /** By depth and text. */
  private readonly known: Array<Map<string, Key>> = []
  private last: Key
  private objects = 0

  /** @param fields Names of fields of a call that are looked for. */
  constructor(bytes: Uint8Array, fields: ReadonlySet<string>) {
    this.words = new ByteWords(bytes)
    this.fields = fields
    // Before the first one.
    this.last = makeKey({ first: 0, end: 0, depth: -1, isPlain: true, text: "" }, fields)
  }

  /** A number for an object. */
  open(): number {
    return ++this.objects
  }

  /** The key that is expected, if it begins there. */
  next(first: number, depth: number): Key | undefined {
    const { earlier, next } = this.last
    const key = this.isAt(next, first, depth) ? next : this.isAt(earlier, first, depth) ? earlier : undefined
    if (key !== undefined) this.last = key
    return key
  }

  private isAt(key: Key | undefined, first: number, depth: number): key is Key {
    return (
      key !== undefined &&
      key.depth === depth &&
      key.isPlain &&
      // With its quotation mark.
      this.words.same(key.first, first, key.length + 1)
    )
  }

  /** The key that was read there. */
  found(found: Found): Key {
    const ofDepth = (this.known[found.depth] ??= new Map<string, Key>())
    let key = ofDepth.get(found.text)
    if (key === undefined) {
      key = makeKey(found, this.fields)
      ofDepth.set(found.text, key)
    }
    this.last.earlier = this.last.next
    this.last.next = key
    this.last = key
    return key
  }
}
