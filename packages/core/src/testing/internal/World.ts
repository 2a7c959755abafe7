/** The calls and their life: fields to sort and filter by are in typed arrays, filled when a call begins. */
import type { Resolved } from "./ResolvedOptions.ts"
import { exponential, hash, hex, sequence, unit, uuid4 } from "./Random.ts"

export const finalStatuses = ["completed", "ended", "no_answer", "failed", "busy", "voicemail", "error"] as const
const statusWeights = [0.72, 0.06, 0.07, 0.05, 0.04, 0.05, 0.01]
/** Final statuses of calls that nobody answered. */
const unanswered = [2, 3, 4, 6]

export const channels = ["inbound_call", "outbound_call", "web_call", "voice", "phone", "sip", "web"] as const
const channelWeights = [0.34, 0.3, 0.1, 0.1, 0.08, 0.04, 0.04]

const pick = (weights: ReadonlyArray<number>, u: number): number => {
  let rest = u
  for (let i = 0; i < weights.length; i++) {
    rest -= weights[i] ?? 0
    if (rest < 0) return i
  }
  return 0
}

/** A session as a test may put it there; instants in µs. */
export interface NewSession {
  /** @default the server's now */
  readonly createdAt?: number | undefined
  /** `null` for one that never starts. @default `createdAt` */
  readonly startedAt?: number | null | undefined
  /** `null` for one that never ends. @default a minute after its start */
  readonly endedAt?: number | null | undefined
  /** From when it is listed. @default `createdAt` */
  readonly visibleAt?: number | undefined
  /** When it leaves. @default never */
  readonly leavesAt?: number | undefined
  /** Index of its agent. @default 0 */
  readonly agent?: number | undefined
  /** @default "completed" */
  readonly status?: (typeof finalStatuses)[number] | undefined
  /** @default "inbound_call" */
  readonly channel?: (typeof channels)[number] | undefined
}

const hour = 3_600_000_000
const scrambler = 0x9e3779b1
/** The inverse of `scrambler` modulo 2³², by Newton's iteration, so that an id leads back to its row. */
const unscrambler = (() => {
  let inverse = scrambler
  for (let i = 0; i < 5; i++) inverse = Math.imul(inverse, 2 - Math.imul(scrambler, inverse))
  return inverse | 0
})()

export class World {
  readonly options: Resolved
  readonly seed: number
  count = 0
  /** Moves whenever rows come, or a test changes one. */
  version = 0
  created: Float64Array
  /** NaN for a session that never starts. */
  start: Float64Array
  end: Float64Array
  visible: Float64Array
  leave: Float64Array
  agent: Uint16Array
  final: Uint8Array
  channel: Uint8Array
  /** When the next session will be created. */
  nextBirth = Infinity
  readonly agentIds: ReadonlyArray<string>
  readonly organizationId: string

  private readonly draw: () => number
  private readonly groupChance: number
  private groupLeft = 0
  private groupCreated = 0
  private groupStart = 0
  private leavesByItself: boolean

  constructor(options: Resolved) {
    this.options = options
    this.seed = options.seed
    this.agentIds = Array.from({ length: options.agents }, (_, agent) => uuid4(options.seed, 20, agent))
    this.organizationId = uuid4(options.seed, 21, 0)
    this.draw = sequence(hash(options.seed, 1, 0))
    this.leavesByItself = options.departuresPerHour > 0
    const { share, ways } = options.ties
    const meanWays = (2 + Math.max(2, ways)) / 2
    this.groupChance = share <= 0 ? 0 : share / (share + meanWays * (1 - share))
    const capacity = Math.max(16, options.sessions)
    this.created = new Float64Array(capacity)
    this.start = new Float64Array(capacity)
    this.end = new Float64Array(capacity)
    this.visible = new Float64Array(capacity)
    this.leave = new Float64Array(capacity)
    this.agent = new Uint16Array(capacity)
    this.final = new Uint8Array(capacity)
    this.channel = new Uint8Array(capacity)
    this.populate()
    if (options.arrivalsPerHour > 0) this.nextBirth = options.startAt + this.gap()
  }

  private gap(): number {
    return Math.ceil(exponential(hour / this.options.arrivalsPerHour, this.draw()))
  }

  /** The first sessions, spread over the span with exponential gaps, so that creation ascends with the index. */
  private populate(): void {
    const { sessions, span, startAt, age } = this.options
    const last = startAt - age
    const gaps = new Float64Array(sessions)
    let sum = 0
    for (let i = 0; i < sessions; i++) {
      sum += exponential(1, this.draw())
      gaps[i] = sum
    }
    for (let i = 0; i < sessions; i++) {
      this.born(Math.floor(last - span + ((gaps[i] ?? 0) / sum) * span))
    }
    this.groupLeft = 0
  }

  /** Lets the sessions come that were created until then. */
  advanceTo(now: number): void {
    while (this.nextBirth <= now) {
      this.born(this.nextBirth)
      // The rest of a group of ties is created at the same instant.
      if (this.groupLeft === 0) this.nextBirth += this.gap()
      this.version++
    }
  }

  private born(at: number): void {
    const i = this.allocate()
    const o = this.options
    let created = at - (at % o.grain)
    let start: number
    if (this.groupLeft > 0) {
      this.groupLeft--
      created = this.groupCreated
      start = this.groupStart
    } else {
      const queued = unit(this.seed, 2, i) < o.queued
      const u = unit(this.seed, 3, i)
      const delay = queued ? 60e6 + u * Math.max(0, o.queuedFor - 60e6) : u * 20e6
      start = created + Math.floor(delay)
      start -= start % o.grain
      if (this.groupChance > 0 && unit(this.seed, 4, i) < this.groupChance) {
        this.groupLeft = 1 + (hash(this.seed, 5, i) % Math.max(1, o.ties.ways - 1))
        this.groupCreated = created
        this.groupStart = start
      }
    }
    const undated = o.undated > 0 && unit(this.seed, 6, i) < o.undated
    const final = undated
      ? (unanswered[hash(this.seed, 7, i) % unanswered.length] ?? 3)
      : pick(statusWeights, unit(this.seed, 7, i))
    const talked =
      undated || final === 2 || final === 4
        ? 0
        : Math.min(10 * o.callDuration, 1e6 + exponential(o.callDuration, unit(this.seed, 8, i)))
    const stuck = !undated && o.stuck > 0 && unit(this.seed, 9, i) < o.stuck
    let end = stuck ? Infinity : (undated ? created + 30e6 : start) + Math.floor(talked)
    if (end !== Infinity) end -= end % o.grain
    const shown = o.visible === "ended" ? end : o.visible === "started" && !undated ? start : created
    this.created[i] = created
    this.start[i] = undated ? NaN : start
    this.end[i] = end
    this.visible[i] = o.visibleLag === 0 ? shown : shown + Math.floor(o.visibleLag * unit(this.seed, 10, i))
    this.leave[i] = this.leavesByItself
      ? Math.max(created, o.startAt) + Math.ceil(exponential(hour / o.departuresPerHour, unit(this.seed, 11, i)))
      : Infinity
    this.agent[i] = hash(this.seed, 12, i) % o.agents
    this.final[i] = final
    this.channel[i] = pick(channelWeights, unit(this.seed, 13, i))
  }

  /** Puts a session there; answers its row. */
  add(session: NewSession, now: number): number {
    const i = this.allocate()
    const created = session.createdAt ?? now
    const start = session.startedAt === null ? NaN : (session.startedAt ?? created)
    this.created[i] = created
    this.start[i] = start
    this.end[i] =
      session.endedAt === null ? Infinity : (session.endedAt ?? (Number.isNaN(start) ? created : start) + 60e6)
    this.visible[i] = session.visibleAt ?? created
    this.leave[i] = session.leavesAt ?? Infinity
    this.agent[i] = session.agent ?? 0
    this.final[i] = Math.max(0, finalStatuses.indexOf(session.status ?? "completed"))
    this.channel[i] = Math.max(0, channels.indexOf(session.channel ?? "inbound_call"))
    this.version++
    return i
  }

  /** Takes a session away at an instant. */
  remove(row: number, at: number): void {
    this.leave[row] = at
    this.version++
  }

  private allocate(): number {
    const i = this.count++
    if (i < this.created.length) return i
    const size = i * 2
    const wider = (from: Float64Array): Float64Array => {
      const to = new Float64Array(size)
      to.set(from)
      return to
    }
    this.created = wider(this.created)
    this.start = wider(this.start)
    this.end = wider(this.end)
    this.visible = wider(this.visible)
    this.leave = wider(this.leave)
    const agent = new Uint16Array(size)
    agent.set(this.agent)
    this.agent = agent
    const final = new Uint8Array(size)
    final.set(this.final)
    this.final = final
    const channel = new Uint8Array(size)
    channel.set(this.channel)
    this.channel = channel
    return i
  }

  isDuplicated(row: number): boolean {
    const { duplicated } = this.options
    return duplicated > 0 && unit(this.seed, 19, row) < duplicated
  }

  agentId(row: number): string {
    return this.agentIds[this.agent[row] ?? 0] ?? ""
  }

  isVisible(row: number, at: number): boolean {
    return (this.visible[row] ?? Infinity) <= at && at < (this.leave[row] ?? -Infinity)
  }

  /** The start as far as it is known then; NaN before. */
  startAt(row: number, at: number): number {
    const start = this.start[row] ?? NaN
    return start <= at ? start : NaN
  }

  statusAt(row: number, at: number): string {
    if (at >= (this.end[row] ?? Infinity)) return finalStatuses[this.final[row] ?? 0] ?? "completed"
    const start = this.start[row] ?? NaN
    if (at >= start) {
      const spelling =
        this.options.content === "plain" || this.options.content === "minimal" ? 9 : hash(this.seed, 14, row) % 10
      return spelling === 0 ? "in-progress" : spelling === 1 ? "In Progress" : "in_progress"
    }
    return start - (this.created[row] ?? 0) < 60e6 ? "ringing" : "pending"
  }

  /** The share of the settling time after which a part of a finished call arrives. */
  settledAt(row: number, part: "cost" | "recording" | "analysis"): number {
    const salt = part === "cost" ? 15 : part === "recording" ? 16 : 17
    return (this.end[row] ?? Infinity) + this.options.settlesWithin * unit(this.seed, salt, row)
  }

  /** Which version of a record is shown: 0 waiting, 1 in progress, then 2 and a bit for each part that has arrived. */
  stageAt(row: number, at: number): number {
    const end = this.end[row] ?? Infinity
    if (at < end) return at >= (this.start[row] ?? NaN) ? 1 : 0
    if (at >= end + this.options.settlesWithin) return 30
    return (
      2 +
      (at >= this.settledAt(row, "cost") ? 4 : 0) +
      (at >= this.settledAt(row, "recording") ? 8 : 0) +
      (at >= this.settledAt(row, "analysis") ? 16 : 0)
    )
  }

  /** 32 bits that order rows of one instant of creation as their ids do. */
  scrambled(row: number): number {
    return Math.imul(row ^ this.seed, scrambler) >>> 0
  }

  /** A UUIDv7: milliseconds, the microseconds within, the scrambled row, chance. */
  id(row: number): string {
    const created = this.created[row] ?? 0
    const millis = Math.floor(created / 1000)
    const high = Math.floor(millis / 0x10000)
    const scrambled = this.scrambled(row)
    const variant = (0x8000 | (scrambled >>> 18)).toString(16)
    const node = (scrambled & 0x3ffff) * 0x4000_0000 + (hash(this.seed, 18, row) & 0x3fff_ffff)
    return `${hex(high, 8)}-${hex(millis % 0x10000, 4)}-7${hex((created - millis * 1000) * 4, 3)}-${variant}-${hex(
      Math.floor(node / 0x1_0000_0000),
      4
    )}${hex(node % 0x1_0000_0000, 8)}`
  }

  /** The row of an id, or -1. */
  rowOf(id: string): number {
    if (id.length !== 36) return -1
    const top = Number.parseInt(id.slice(19, 23), 16) & 0x3fff
    const low = Math.floor(Number.parseInt(id.slice(24), 16) / 0x4000_0000)
    const row = (Math.imul((top << 18) | low, unscrambler) ^ this.seed) >>> 0
    return row < this.count && this.id(row) === id ? row : -1
  }
}
