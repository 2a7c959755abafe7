/**
 * Reads a response of the documented form without making objects of its calls: of most fields nobody wants the value before
 * a sink writes the call, and the text that came is the line of a file already. What is written in another way than
 * `JSON.stringify` would write it is parsed, call by call; any other response is left to `Envelope`.
 */
import * as Result from "effect/Result"
import * as CallSession from "../../model/CallSession.ts"
import * as ExactNumber from "../../model/ExactNumber.ts"
import * as Ahead from "../../model/internal/Ahead.ts"
import * as Outline from "../../model/internal/Outline.ts"
import * as Packed from "../../model/internal/Packed.ts"
import { CallScanner, notPlain, sought } from "./CallScanner.ts"
import * as Envelope from "./Envelope.ts"

/** A call by the fields that columns need. */
const fewFields = (scanner: CallScanner): CallSession.CallSession => {
  const id = scanner.valueAt(0)
  if (id === undefined || id === "") throw notPlain
  return {
    id,
    startedAt: scanner.valueAt(1) ?? null,
    createdAt: scanner.valueAt(2) ?? null,
    endedAt: scanner.valueAt(3) ?? null,
    status: scanner.valueAt(4) ?? null,
    costTotal: scanner.valueAt(5) ?? null
  }
}

const parsed = (text: string): CallSession.CallSession => {
  const call = CallSession.fromWire(ExactNumber.parseJson(text))
  if (Result.isFailure(call)) throw notPlain
  return call.success
}

/** As in `PageDecoder`. */
interface Plain {
  readonly apply: (call: CallSession.CallSession) => object | undefined
  readonly needs: { readonly fields: ReadonlyArray<string>; readonly characters: string }
}
interface Work {
  readonly hold: "json" | "response"
  readonly outlines: boolean
  readonly transform?: Plain | undefined
}
type Scanned = Envelope.Body<Packed.Packed>

const [brace, bracket, comma] = [123, 93, 44]
const name = "callSessions"
const key = `"${name}":`
/** Characters before the list, at most. */
const mostBefore = 1000

/** What the transform makes of the call that was scanned last, as JSON. */
const rowOf = (
  { apply }: Plain,
  { odd, parts, text }: CallScanner,
  call: CallSession.CallSession,
  begin: number,
  end: number
): string | undefined => {
  if (odd) return Ahead.textOf(apply, call)
  const whole = () => Ahead.textOf(apply, parsed(text.slice(begin, end)))
  return Ahead.ofParts(apply, { text, begin, end, parts }, whole)
}

const scanList = (body: Uint8Array<ArrayBuffer>, text: string, work: Work): Scanned | undefined => {
  const open = text.indexOf("[")
  const head = text.slice(0, open)
  if (open < 0 || open > mostBefore || !head.endsWith(key) || !/^[ -~]*$/.test(head)) return undefined
  const { transform } = work
  const { needs } = transform ?? {}
  // A row with a `then` may be a Promise: nobody takes it for a plain one.
  const scanner = new CallScanner(body, text, needs && sought(["then", ...needs.fields], needs.characters))
  const rows: Array<string | undefined> = []
  const calls: Array<CallSession.CallSession> = []
  const ends: Array<number> = []
  const begins: Array<number> = []
  const shifts: Array<number> = []
  const others = new Map<number, CallSession.CallSession>()
  let at = open
  do {
    const begin = at + 1
    if (body[begin] !== brace) return undefined
    begins.push(begin)
    shifts.push(scanner.shift)
    const place = begin - scanner.shift
    at = scanner.call(begin + 1)
    const call = scanner.odd ? parsed(text.slice(place, at - scanner.shift)) : fewFields(scanner)
    if (scanner.odd) others.set(calls.length, call)
    if (transform !== undefined) rows.push(rowOf(transform, scanner, call, place, at - scanner.shift))
    calls.push(call)
    ends.push(at - open)
  } while (body[at] === comma)
  const tail = text.slice(at + 1 - scanner.shift)
  // Another list there could be the one of the calls, with its name in another spelling, too.
  if (body[at] !== bracket || tail.includes(name) || tail.includes("\\")) return undefined
  const envelope = Envelope.read(`${head}[]${tail}`)
  if (envelope._tag !== "Records" || envelope.edition !== "camelCase") return undefined
  const list = body.subarray(open, at + 1)
  const packed =
    work.hold === "response"
      ? Packed.beside(body, calls, scanner.rounds)
      : Packed.ofList({ bytes: list, ends: Uint32Array.from(ends) }, calls, others, scanner.rounds)
  const outlines = work.outlines ? Outline.ofScanned({ body, text, begins, shifts }, packed, calls, others) : undefined
  const made = transform === undefined ? undefined : Ahead.ofTexts(rows)
  return { ...envelope, sessions: { ...packed, made, outlines }, characters: text.length }
}

/** The response, where it is of the documented form. */
export const scan = (body: Uint8Array<ArrayBuffer>, text: string, work: Work): Scanned | undefined => {
  // Bytes that are no UTF-8 became this character.
  if (text.includes("\ufffd")) return undefined
  try {
    return scanList(body, text, work)
  } catch {
    return undefined
  }
}
