/**
 * A receiver of callstream's webhooks, with Node and the standardwebhooks package alone.
 *
 *     CALLSTREAM_WEBHOOK_SECRET=whsec_… node src/webhook-receiver.ts
 *
 * It checks who sent a message, drops what it knows already, and appends the rest to a file before it answers.
 */
import { open } from "node:fs/promises"
import { createServer, type IncomingMessage, type Server } from "node:http"
import { Webhook } from "standardwebhooks"

/** What it reads of an event; the whole event is kept. */
interface Event {
  readonly id: string
  readonly sequence: number
  readonly sessionId: string
}

export interface Options {
  /** One, or two separated by a space while they are being changed. */
  readonly secret: string
  /** Events as lines of JSON. */
  readonly file: string
}

const maxBodyBytes = 4 * 1024 * 1024

/** A server that is not listening yet. */
export const receiver = async ({ file, secret }: Options): Promise<Server> => {
  const webhooks = secret
    .split(/\s+/)
    .filter((part) => part !== "")
    .map((part) => new Webhook(part))
  if (webhooks.length === 0) throw new Error("no secret")
  const store = await openStore(file)

  const answer = async (request: IncomingMessage): Promise<number> => {
    if (request.method !== "POST") return 405
    const body = await read(request)
    if (body === undefined) return 413
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    // The bytes as they came, not JSON that was parsed and written again.
    if (!webhooks.some((webhook) => verifies(webhook, body, headers))) return 401
    const events = eventsOf(body)
    if (events === undefined) return 422
    // Safe before the answer: what is answered with 2xx does not come again.
    await store.append(events)
    return 204
  }

  const server = createServer(async (request, response) => {
    try {
      response.statusCode = await answer(request)
    } catch (error) {
      console.error(error)
      response.statusCode = 500
    }
    // What was not read of a body that is too large is not waited for.
    if (response.statusCode === 413) response.setHeader("connection", "close")
    response.end()
  })
  server.once("close", () => void store.close().catch(console.error))
  return server
}

/** Old and future messages are refused, too: somebody may have kept one. */
const verifies = (webhook: Webhook, body: string, headers: Record<string, string>): boolean => {
  try {
    webhook.verify(body, headers, { jsonParse: false })
    return true
  } catch {
    return false
  }
}

const read = async (request: IncomingMessage): Promise<string | undefined> => {
  const chunks: Array<Buffer> = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

/** The events of a batch, or the one that the body is. */
const eventsOf = (body: string): ReadonlyArray<Event> | undefined => {
  const message = JSON.parse(body) as { readonly type?: unknown; readonly data?: { readonly events?: unknown } }
  const events: unknown = message.type === "call_session.batch" ? message.data?.events : [message]
  return Array.isArray(events) && events.every(isEvent) ? events : undefined
}

const isEvent = (value: unknown): value is Event =>
  typeof value === "object" &&
  value !== null &&
  "id" in value &&
  typeof value.id === "string" &&
  "sessionId" in value &&
  typeof value.sessionId === "string" &&
  "sequence" in value &&
  typeof value.sequence === "number"

/**
 * Appends events that say something new. For each session the newest is remembered: one that is older is late, and one
 * with the same id has the same content. To remember ids alone would lose a session that changes and changes back.
 */
const openStore = async (file: string) => {
  const handle = await open(file, "a+", 0o600)
  const newest = new Map<string, Event>()
  const isLate = ({ sequence, sessionId }: Event) => sequence <= (newest.get(sessionId)?.sequence ?? -1)
  const isNews = (event: Event) => !isLate(event) && newest.get(event.sessionId)?.id !== event.id
  const remember = ({ id, sequence, sessionId }: Event) => newest.set(sessionId, { id, sequence, sessionId })

  const text = await handle.readFile("utf8")
  for (const line of text.split("\n").slice(0, -1)) remember(JSON.parse(line) as Event)
  // A line that a crash cut off was never answered for, and comes again.
  await handle.truncate(Buffer.byteLength(text.slice(0, text.lastIndexOf("\n") + 1)))

  const append = async (events: ReadonlyArray<Event>): Promise<void> => {
    const lines = events.filter(isNews).map((event) => `${JSON.stringify(event)}\n`)
    if (lines.length > 0) {
      await handle.appendFile(lines.join(""))
      await handle.sync()
    }
    for (const event of events) if (!isLate(event)) remember(event)
  }
  // One after another: two messages at once must not both be new.
  let last: Promise<unknown> = Promise.resolve()
  return {
    append: (events: ReadonlyArray<Event>): Promise<void> => {
      const next = last.then(() => append(events))
      last = next.catch(() => undefined)
      return next
    },
    close: () => last.then(() => handle.close())
  }
}

if (import.meta.main) {
  const server = await receiver({
    secret: process.env["CALLSTREAM_WEBHOOK_SECRET"] ?? "",
    file: process.env["FILE"] ?? "events.ndjson"
  })
  const port = Number(process.env["PORT"] ?? 3000)
  server.listen(port, "127.0.0.1", () => console.log(`receiving at http://127.0.0.1:${port}/`))
}
