/**
 * Reads a response of the documented form without making objects of its calls: of most fields nobody wants the value before
 * a sink writes the call, and the text that came is the line of a file already. What is written in another way than
 * `JSON.stringify` would write it is parsed, call by call; any other response is left to `Envelope`.
 */
import * as Result from "effect/Result"
import * as CallSession from "../../model/CallSession.ts"
import * as ExactNumber from "../../model/ExactNumber.ts"
import * as Outline from "../../model/internal/Outline.ts"
import * as Packed from "../../model/internal/Packed.ts"
import { CallScanner, notPlain } from "./CallScanner.ts"
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
interface Work {
  readonly hold: "json" | "response"
  readonly outlines: boolean
}
type Scanned = Envelope.Body<Packed.Packed>

const [brace, bracket, comma] = [123, 93, 44]
const name = "callSessions"
const key = `"${name}":`
/** Characters before the list, at most. */
const mostBefore = 1000

const scanList = (body: Uint8Array<ArrayBuffer>, text: string, work: Work): Scanned | undefined => {
  const open = text.indexOf("[")
  const head = text.slice(0, open)
  if (open < 0 || open > mostBefore || !head.endsWith(key) || !/^[ -~]*$/.test(head)) return undefined
  const scanner = new CallScanner(body, text)
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
  return { ...envelope, sessions: { ...packed, outlines }, characters: text.length }
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
