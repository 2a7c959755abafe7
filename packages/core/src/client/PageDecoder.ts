/**
 * What makes a page of a response's body, here or in another thread.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { AgniErrorReason } from "../model/AgniError.ts"
import * as ExactNumber from "../model/ExactNumber.ts"
import type { Instant } from "../model/Instant.ts"
import type { CallSession } from "../model/CallSession.ts"
import * as Ahead from "../model/internal/Ahead.ts"
import * as Outline from "../model/internal/Outline.ts"
import * as Packed from "../model/internal/Packed.ts"
import type { Page } from "../model/Page.ts"
import * as Rows from "../model/Rows.ts"
import type { Version } from "../model/Version.ts"
import * as Envelope from "./internal/Envelope.ts"
import * as PageScan from "./internal/PageScan.ts"

/**
 * The facts about a page besides its body.
 *
 * @since 0.1.0
 * @category models
 */
export interface About {
  readonly page: number
  readonly observedAt: Instant
  readonly version?: Version | undefined
  readonly age: number
  /** Makes a server's words safe to repeat. */
  readonly quote: (text: string) => string
}

/**
 * Makes a page of the body, in UTF-8, of a response with status 200. The body is the decoder's: it may give it away.
 *
 * @since 0.1.0
 * @category models
 */
export interface Decoder {
  readonly decode: (body: Uint8Array<ArrayBuffer>, about: About) => Effect.Effect<Page, AgniErrorReason>
}

const decoder = new TextDecoder()

/**
 * Decodes at once, where it is called.
 *
 * @since 0.1.0
 * @category constructors
 */
export const here: Decoder = {
  decode: (body, about) => Effect.suspend(() => Effect.fromResult(Envelope.decode(decoder.decode(body), about)))
}

/**
 * The decoder that clients use.
 *
 * @since 0.1.0
 * @category services
 */
export const PageDecoder: Context.Reference<Decoder> = Context.Reference("@callstream/core/client/PageDecoder", {
  defaultValue: () => here
})

/**
 * What another thread sends back: `message` can be posted, and what `transfer` lists goes along without a copy.
 *
 * @since 0.1.0
 * @category models
 */
export interface Digest {
  readonly message: unknown
  readonly transfer: Array<ArrayBuffer>
}

/** It has the raw rejected records as JSON, because a thread makes plain objects of numbers of their own class. */
type Message = Envelope.Body<Packed.Packed>

/**
 * What sessions are until somebody asks for them: each its JSON, fit for a file of lines, or all of them the response that
 * they came in, which costs less to keep and nothing to make.
 *
 * @since 0.1.0
 * @category models
 */
export type Hold = "json" | "response"

/**
 * What a transform needs of a call, where it does not need all of it. Its other fields stay as they are. Of a part of the
 * call that has the fields it needs, it makes what it makes of them in the whole call, and it leaves both out or none. Where it
 * adds, renames or removes a field, it gets the whole call.
 *
 * @since 0.1.0
 * @category models
 */
export interface Needs {
  /** Fields of the call itself. */
  readonly fields: ReadonlyArray<string>
  /** Any field, too, whose name or value holds one of these in JSON. */
  readonly characters: string
}

/**
 * A pure transform whose rows are plain JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface Plain {
  /** Equal labels do the same. */
  readonly label: string
  /** `undefined` leaves the call out. */
  readonly apply: (call: CallSession) => object | undefined
  /** @default the whole call */
  readonly needs?: Needs | undefined
}

/**
 * What another thread makes besides pages.
 *
 * @since 0.1.0
 * @category options
 */
export interface Work {
  /** @default "json" */
  readonly hold?: Hold | undefined
  /** For a sync: what it has to know of each call, so that nobody decodes the call for that. @default false */
  readonly outlines?: boolean | undefined
}

/**
 * The work of decoding, for another thread. With `response` the body goes back, and is not to be written to. With a
 * transform the message has the rows that it makes, too.
 *
 * @since 0.1.0
 * @category decoding
 */
export const digest = (
  body: Uint8Array<ArrayBuffer>,
  { hold = "json", outlines: isForSync = false }: Work = {},
  transform?: Plain
): Digest => {
  const text = decoder.decode(body)
  const partly = transform?.needs && { apply: transform.apply, needs: transform.needs }
  const isScanned = transform === undefined || partly !== undefined
  const scanned = isScanned ? PageScan.scan(body, text, { hold, outlines: isForSync, transform: partly }) : undefined
  if (scanned?._tag === "Records") return { message: scanned satisfies Message, transfer: columnsOf(scanned.sessions) }
  const mayRound = ExactNumber.mayRound(text)
  const read = Envelope.read(text, parserOf(mayRound))
  if (read._tag !== "Records") return { message: read satisfies Message, transfer: [] }
  const packed = hold === "json" ? Packed.pack(read.sessions, mayRound) : Packed.beside(body, read.sessions, mayRound)
  const made = transform === undefined ? undefined : Ahead.make(transform.apply, read.sessions)
  const outlines = isForSync ? Outline.make(read.sessions) : undefined
  const rejected = read.rejected.map((record) => ({ ...record, raw: JSON.stringify(record.raw) }))
  const message: Message = { ...read, sessions: { ...packed, made, outlines }, rejected }
  return { message, transfer: columnsOf(message.sessions) }
}

const columnsOf = ({ bytes, created, ends, made, outlines, settled, starts }: Packed.Packed): Array<ArrayBuffer> => {
  const known = outlines === undefined ? [] : [outlines.sums, outlines.ended, outlines.flags, outlines.agentOf]
  const rows = made === undefined ? [] : [made.outcomes, made.bytes, made.ends]
  return [bytes, created, settled, starts, ...(ends === undefined ? [] : [ends]), ...known, ...rows].map(
    ({ buffer }) => buffer
  )
}

const parserOf = (mayRound: boolean): ((text: string) => unknown) =>
  mayRound ? ExactNumber.parseJson : (text) => JSON.parse(text)

const readResponse: Packed.Read = ({ bytes, mayRound = true }) => {
  const read = Envelope.read(decoder.decode(bytes), parserOf(mayRound))
  return read._tag === "Records" ? read.sessions : []
}

/**
 * The page of a digest's message. Its calls stay JSON until somebody reads them. Where the transform that made the rows is
 * given, a pipeline of it takes them as they are.
 *
 * @since 0.1.0
 * @category decoding
 */
export const fromDigest = (message: unknown, about: About, transform?: Plain): Result.Result<Page, AgniErrorReason> =>
  // What `digest` made of a body, and nobody else.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  Envelope.toPage(withRaw(message as Message), about, (sessions) =>
    Rows.make(
      Packed.unpack(
        sessions,
        () => about.version,
        sessions.ends === undefined ? readResponse : undefined,
        transform?.apply
      ),
      about.observedAt
    )
  )

const withRaw = (message: Message): Message =>
  message._tag === "Records" && message.rejected.length > 0
    ? {
        ...message,
        rejected: message.rejected.map((record) => ({ ...record, raw: ExactNumber.parseJson(String(record.raw)) }))
      }
    : message
