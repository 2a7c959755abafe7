/** The endpoint as a state machine: a request and the time go in, an answer comes out. */
import type * as Fault from "../Fault.ts"
import * as Bodies from "./Bodies.ts"
import { type Outcome, type RecordedRequest, type Reply, type Request, whole } from "./SimulatorExchange.ts"
import { type Arrived, Faults, keepsAnswer, replace, spoil } from "./SimulatedFaults.ts"
import type { Resolved } from "./ResolvedOptions.ts"
import { Orders } from "./Order.ts"
import * as Query from "./Query.ts"
import { hash, hashText, hex, unit } from "./Random.ts"
import { RecordCache } from "./Record.ts"
import { select } from "./SimulatorSelect.ts"
import { World } from "./World.ts"

export const path = "/api/v1/calling/call-sessions"

const recordingPath = /^\/v1\/calls\/([^/]+)\/recording$/

type Answer = Pick<Reply, "status" | "headers" | "body" | "delivery"> & {
  readonly outcome: Outcome
  readonly rows: ReadonlyArray<number>
}

interface Cached {
  readonly answer: Answer
  readonly at: number
}

const json = { "content-type": "application/json" }

const answer = (outcome: Outcome, status: number, body: string, headers: Reply["headers"] = json): Answer => ({
  outcome,
  status,
  headers,
  body,
  delivery: whole,
  rows: []
})

export class Server {
  readonly options: Resolved
  readonly world: World
  readonly faults: Faults
  readonly requests: Array<RecordedRequest> = []
  readonly poisoned = new Set<number>()
  private readonly orders: Orders
  private readonly records: RecordCache
  private readonly cache = new Map<string, Cached>()
  private readonly recent: Array<number> = []
  private readonly poisonShare: number
  private frozenDate: number | undefined
  private count = 0

  constructor(options: Resolved) {
    this.options = options
    this.world = new World(options)
    this.faults = new Faults(options)
    this.orders = new Orders(this.world)
    this.records = new RecordCache(this.world, options.textCache)
    this.poisonShare = typeof options.poison === "number" ? options.poison : 0
    if (typeof options.poison !== "number") for (const row of options.poison) this.poisoned.add(row)
  }

  /** Answers a request at the server's time `now`, µs. */
  handle(request: Request, now: number): Reply {
    this.world.advanceTo(now)
    this.frozenDate ??= now
    const { options } = this
    const arrived = this.arrive(request, now)
    const fault = this.faults.choose(arrived)
    const given = fault === undefined || keepsAnswer(fault) ? this.answer(request, arrived) : undefined
    // Spoiling changes a list only; a refusal stays what it is.
    const final: Answer =
      given === undefined
        ? { ...replace(fault ?? { _tag: "Reset" }, request, now), outcome: "fault", rows: [] }
        : fault === undefined || given.status !== 200
          ? given
          : { ...spoil(fault, given), outcome: "fault", rows: given.rows }
    this.record(arrived, final, fault)
    const jitter = options.jitterMillis === 0 ? 0 : options.jitterMillis * unit(options.seed, 82, arrived.number)
    return {
      status: final.status,
      headers: this.dated(final.headers, now),
      body: final.body,
      delayMillis: options.latencyMillis + jitter,
      delivery: final.delivery,
      fault
    }
  }

  private dated(headers: Reply["headers"], now: number): Reply["headers"] {
    if (this.options.date === "absent" || headers["date"] !== undefined) return headers
    const at = this.options.date === "frozen" ? (this.frozenDate ?? now) : now
    return { ...headers, date: new Date(Math.floor(at / 1000)).toUTCString() }
  }

  private arrive(request: Request, now: number): Arrived {
    const { "x-api-key": key, ...headers } = request.headers
    const state = key === undefined || key === "" ? "missing" : key === this.options.apiKey ? "right" : "wrong"
    const integer = (name: string, otherwise: number): number => {
      const value = Number(Object.hasOwn(request.params, name) ? request.params[name] || otherwise : otherwise)
      return Number.isNaN(value) ? otherwise : value
    }
    return {
      number: ++this.count,
      method: request.method,
      origin: request.origin,
      path: request.path,
      url: request.origin + request.path + (request.search === "" ? "" : `?${request.search}`),
      params: request.params,
      headers: state === "missing" ? headers : { ...headers, "x-api-key": state },
      key: state,
      at: now,
      page: integer("page", 1),
      pageSize: integer("page_size", this.options.defaultPageSize)
    }
  }

  private record(arrived: Arrived, final: Answer, fault: Fault.Fault | undefined): void {
    const { world } = this
    const { rows } = final
    let ids: ReadonlyArray<string> | undefined
    this.requests.push({
      ...arrived,
      status: final.status,
      outcome: final.outcome,
      fault,
      // Made on demand: most requests are never read.
      get ids() {
        return (ids ??= rows.map((row) => world.id(row)))
      }
    })
    const { keepRequests } = this.options
    if (this.requests.length > keepRequests * 1.5 + 100) this.requests.splice(0, this.requests.length - keepRequests)
  }

  private answer(request: Request, arrived: Arrived): Answer {
    const { options } = this
    const now = arrived.at
    const recorded = recordingPath.exec(request.path)
    if (recorded !== null && options.recordingsUrl === "here") return this.recording(recorded[1] ?? "", arrived)
    if (request.path !== path)
      return answer("not-found", 404, Bodies.notFound, { "content-type": "text/plain; charset=utf-8" })
    if (request.method !== "GET") return answer("not-found", 501, Bodies.gatewayError(12, "Method Not Allowed"))
    if (arrived.key !== "right") return answer("unauthorized", 401, Bodies.unauthorized)
    if (options.forbidden) return answer("forbidden", 403, Bodies.forbidden)
    if (this.isOverRate(now)) {
      return answer("rate-limited", 429, Bodies.statusError(429), { ...json, "retry-after": "1" })
    }
    const { cache } = options
    if (cache === undefined) return this.list(request, arrived)
    const known = this.cache.get(arrived.url)
    const passesBy = cache.respectNoCache && /no-cache|no-store/i.test(request.headers["cache-control"] ?? "")
    if (known !== undefined && now - known.at < cache.ttl && !passesBy) {
      const age = Math.floor((now - known.at) / 1e6)
      const headers = cache.age ? { ...known.answer.headers, age: String(age) } : known.answer.headers
      return { ...known.answer, headers, outcome: "cached" }
    }
    const listed = this.list(request, arrived)
    const fresh = { ...listed, headers: this.dated(listed.headers, now) }
    if (fresh.status === 200) this.cache.set(arrived.url, { answer: fresh, at: now })
    if (this.cache.size > 256) for (const [url, { at }] of this.cache) if (now - at >= cache.ttl) this.cache.delete(url)
    return fresh
  }

  /** A link is its own key, until it expires. */
  private recording(id: string, { at, params }: Arrived): Answer {
    if (this.world.rowOf(id) < 0) return answer("not-found", 404, Bodies.notFound, { "content-type": "text/plain" })
    if (!(Number(params["expires"]) * 1e6 > at) || (params["token"] ?? "") === "") {
      return answer("unauthorized", 403, Bodies.errorPage(403), { "content-type": "text/html" })
    }
    return answer("recording", 200, Bodies.recording(id), { "content-type": "audio/wav" })
  }

  private isOverRate(now: number): boolean {
    const { rateLimit } = this.options
    if (rateLimit === Infinity) return false
    while ((this.recent[0] ?? Infinity) <= now - 1e6) this.recent.shift()
    if (this.recent.length >= rateLimit) return true
    this.recent.push(now)
    return false
  }

  private list(request: Request, arrived: Arrived): Answer {
    const { options } = this
    const query = Query.parse(options, this.world.agentIds, request.params)
    if (Query.isInvalid(query)) return answer("invalid", 400, Bodies.gatewayError(3, query.message))
    const at = this.replicaTime(arrived)
    const salt =
      options.tieOrder === "random"
        ? hash(options.seed, 83, arrived.number)
        : options.tieOrder === "query"
          ? // What makes a plan of its own in a database: limit, offset and conditions.
            hashText(options.seed, `${query.page} ${query.size} ${query.low} ${query.high} ${Query.filterKey(query)}`)
          : 0
    const { rows, total } = select(this.world, this.orders, query, at, salt)
    for (const row of rows) {
      if (this.isPoisoned(row))
        return answer("poisoned", 500, Bodies.gatewayError(13, "failed to marshal call session"))
    }
    const step = options.offsetFrom === "asked" ? query.asked : query.size
    const body = Bodies.envelope(options, this.text(rows, at, arrived), total, query.size, (query.page - 1) * step)
    if (body.length > options.messageLimit) {
      const message = `grpc: received message larger than max (${body.length} vs. ${options.messageLimit})`
      return answer("too-large", options.messageLimitStatus, Bodies.gatewayError(8, message))
    }
    return { ...answer("answered", 200, body), rows }
  }

  /** The time up to which the replica that answers knows the world. */
  private replicaTime({ at, number }: Arrived): number {
    const { count, lag } = this.options.replicas
    return count === 1 ? at : at - Math.round((lag * (hash(this.options.seed, 87, number) % count)) / (count - 1))
  }

  private isPoisoned(row: number): boolean {
    if (this.poisonShare > 0 && unit(this.options.seed, 84, row) < this.poisonShare) return true
    return this.poisoned.size > 0 && this.poisoned.has(row)
  }

  /** The records' texts, each recording's URL signed for this very response. */
  private text(rows: ReadonlyArray<number>, at: number, request: Arrived): string {
    let out = ""
    const signature = hash(this.options.seed, 85, request.number)
    const expires = `&expires=${Math.floor(request.at / 1e6) + 3600}`
    for (const row of rows) {
      const { head, tail } = this.records.get(row, at)
      if (out !== "") out += ","
      out +=
        tail === undefined ? head : `${head}${hex(signature, 8)}${hex(hash(signature, 86, row), 8)}${expires}${tail}`
    }
    return this.options.recordingsUrl === "here"
      ? out.replaceAll(':"here/v1/calls/', `:"${request.origin}/v1/calls/`)
      : out
  }
}
