/** A receiver of webhooks in this process that remembers what it took, fails now and then, and can kill whoever sends. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { IncomingMessage, ServerResponse } from "node:http"
import { server } from "../Callstream.ts"

export interface Event {
  readonly id: string
  readonly sessionId: string
  readonly sequence: number
  readonly organization: string
  readonly data: Readonly<Record<string, unknown>>
}

/** `before`: it has taken the message, and its 2xx never leaves. `after`: the 2xx is on its way. */
interface Trap {
  readonly phase: "before" | "after"
  /** Which of the messages that come from now on, from 1. */
  readonly nth: number
  readonly kill: () => void
}

export interface Receiver {
  readonly url: string
  /** What it took, with repetitions. */
  readonly events: ReadonlyArray<Event>
  /** Ids of messages, with repetitions, also of those that it answered with an error. */
  readonly messages: ReadonlyArray<string>
  readonly set: (trap: Trap | undefined) => void
  /** From now on every message is answered so. */
  readonly answer: (status: number | undefined) => void
  /** Every message is answered so that comes after as many. */
  readonly answerFrom: (count: number, status: number) => void
}

const eventsOf = (body: string): ReadonlyArray<Event> => {
  const json = JSON.parse(body) as Event | { readonly data: { readonly events: ReadonlyArray<Event> } }
  return "sessionId" in json ? [json] : json.data.events
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString("utf8")
}

export const make = Effect.fnUntraced(function* (
  options: {
    /** Sessions that it will never take: 422. */
    readonly refuses?: ((sessionId: string) => boolean) | undefined
    /** Whether a message fails in passing. */
    readonly fails?: (() => boolean) | undefined
    readonly path?: string | undefined
  } = {}
): Effect.fn.Return<Receiver, never, Scope.Scope> {
  const { fails = () => false, path = "/hook", refuses = () => false } = options
  const events: Array<Event> = []
  const messages: Array<string> = []
  let trap: Trap | undefined
  let since = 0
  let always: number | undefined
  let late: { readonly count: number; readonly status: number } | undefined

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await bodyOf(request)
    messages.push(String(request.headers["webhook-id"]))
    if (always !== undefined) return void response.writeHead(always).end()
    if (late !== undefined && messages.length > late.count) return void response.writeHead(late.status).end()
    if (fails()) return void response.writeHead(503).end()
    const found = eventsOf(body)
    if (found.some(({ sessionId }) => refuses(sessionId))) return void response.writeHead(422).end()
    since++
    const sprung = trap !== undefined && since === trap.nth ? trap : undefined
    events.push(...found)
    if (sprung?.phase === "before") return sprung.kill()
    response.writeHead(204).end(() => sprung?.kill())
  }
  const { url } = yield* server((request, response) => {
    // A sender that was killed in the middle of its message has said nothing.
    handle(request, response).catch(() => response.destroy())
  })
  return {
    url: `${url}${path}`,
    events,
    messages,
    set: (next) => {
      trap = next
      since = 0
    },
    answer: (status) => {
      always = status
    },
    answerFrom: (count, status) => {
      late = { count, status }
    }
  }
})
