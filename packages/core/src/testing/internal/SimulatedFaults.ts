/** Which request meets which fault, and what it then gets. */
import * as Duration from "effect/Duration"
import * as Fault from "../Fault.ts"
import * as Bodies from "./Bodies.ts"
import { type Delivery, type RecordedRequest, type Reply, type Request, whole } from "./SimulatorExchange.ts"
import type { Resolved } from "./ResolvedOptions.ts"
import { hash, unit } from "./Random.ts"

/** The facts about a request before its answer. */
export type Arrived = Omit<RecordedRequest, "status" | "outcome" | "fault" | "ids">

export class Faults {
  private readonly options: Resolved
  private readonly used: Array<number>
  private readonly inARow = new Map<string, number>()
  private readonly next: Array<Fault.Fault> = []

  constructor(options: Resolved) {
    this.options = options
    this.used = options.script.map(() => 0)
  }

  failNext(count: number, fault: Fault.Fault): void {
    for (let i = 0; i < count; i++) this.next.push(fault)
  }

  /** The fault that a request meets: one asked for by a test, else one of the script, else one by chance. */
  choose(request: Arrived): Fault.Fault | undefined {
    return this.next.shift() ?? this.scripted(request) ?? this.random(request)
  }

  private scripted(request: Arrived): Fault.Fault | undefined {
    for (const [i, { fault, on, times = 1 }] of this.options.script.entries()) {
      const used = this.used[i] ?? 0
      if (used >= times) continue
      const meant =
        typeof on === "number"
          ? request.number === on
          : (on.page === undefined || request.page === on.page) &&
            (on.from === undefined || request.number >= on.from) &&
            (on.every === undefined || request.number % on.every === 0) &&
            (on.where === undefined ||
              on.where({ ...request, status: 0, outcome: "answered", fault: undefined, ids: [] }))
      if (!meant) continue
      this.used[i] = used + 1
      return fault
    }
    return undefined
  }

  private random(request: Arrived): Fault.Fault | undefined {
    const { faultRate, faults, faultsInARow, seed } = this.options
    if (faultRate <= 0 || faults.length === 0) return undefined
    const row = this.inARow.get(request.url) ?? 0
    if (row >= faultsInARow || unit(seed, 80, request.number) >= faultRate) {
      if (row > 0) this.inARow.delete(request.url)
      return undefined
    }
    this.inARow.set(request.url, row + 1)
    return faults[hash(seed, 81, request.number) % faults.length]
  }
}

/** Whether the fault lets the server do its work first. */
export const keepsAnswer = (fault: Fault.Fault): boolean =>
  fault._tag === "Slow" || fault._tag === "Cut" || fault._tag === "Truncated" || fault._tag === "Oversized"

type Head = Pick<Reply, "status" | "headers" | "body" | "delivery">

const json = { "content-type": "application/json" }

/** The answer of a fault that needs no records; `now` in µs. */
export const replace = (fault: Fault.Fault, request: Request, now: number): Head => {
  const plain = (status: number, body: string, delivery: Delivery = whole): Head => ({
    status,
    headers: json,
    body,
    delivery
  })
  switch (fault._tag) {
    case "Status":
      return statusReply(fault, now)
    case "Reset":
      return plain(0, "", { _tag: "Reset" })
    case "Hang":
      return plain(0, "", { _tag: "Hang" })
    case "Unsuccessful":
      return plain(200, Bodies.unsuccessful)
    case "EmptyAnswer":
      return plain(200, `{"success":true,"data":{}}`)
    case "Html":
      return { status: 200, headers: { "content-type": "text/html" }, body: Bodies.errorPage(200), delivery: whole }
    case "Redirect": {
      const query = request.search === "" ? "" : `?${request.search}`
      const location =
        fault.to === "same-origin"
          ? request.path + query
          : fault.to === "other-origin"
            ? `https://elsewhere.example${request.path}${query}`
            : fault.to.toString()
      return { status: fault.status, headers: { location }, body: "", delivery: whole }
    }
    case "Slow":
    case "Cut":
    case "Truncated":
    case "Oversized":
      return plain(200, "")
  }
}

const statusReply = (fault: Fault.Status, now: number): Head => {
  const headers: Record<string, string> = {}
  if (fault.retryAfter !== undefined) {
    const seconds = Duration.toSeconds(Duration.fromInputUnsafe(fault.retryAfter))
    headers["retry-after"] =
      fault.retryAfterAs === "date"
        ? // An HTTP date has whole seconds: rounded up, so that it is never earlier than what is meant.
          new Date(Math.ceil(now / 1e6 + seconds) * 1000).toUTCString()
        : String(Math.ceil(seconds))
  }
  const kind = fault.body ?? "json"
  if (kind === "empty") return { status: fault.status, headers, body: "", delivery: whole }
  if (kind === "html") {
    headers["content-type"] = "text/html"
    return { status: fault.status, headers, body: Bodies.errorPage(fault.status), delivery: whole }
  }
  if (fault.status === 404 && fault.body === undefined) {
    headers["content-type"] = "text/plain"
    return { status: 404, headers, body: Bodies.notFound, delivery: whole }
  }
  headers["content-type"] = "application/json"
  return { status: fault.status, headers, body: Bodies.statusError(fault.status), delivery: whole }
}

/** Spoils a true answer. */
export const spoil = (fault: Fault.Fault, reply: Head): Head => {
  switch (fault._tag) {
    case "Slow":
      return {
        ...reply,
        delivery: {
          _tag: "Slow",
          millis: Duration.toMillis(Duration.fromInputUnsafe(fault.over)),
          chunks: fault.chunks
        }
      }
    case "Cut":
      return { ...reply, delivery: { _tag: "Cut", at: fault.at } }
    case "Truncated":
      return { ...reply, body: reply.body.slice(0, Math.floor(reply.body.length * fault.at)) }
    case "Oversized":
      return { ...reply, delivery: { _tag: "Padded", bytes: fault.bytes } }
    default:
      return reply
  }
}
