/** The calls and their life: fields to sort and filter by are in typed arrays, filled when a call begins. */
import { CallColumns } from "./CallColumns.ts"
import {
  channels,
  channelWeights,
  connectedWeights,
  finalStatuses,
  finalWithCosts,
  type NewSession,
  pick,
  statusWeights,
  unanswered
} from "./CallKinds.ts"
import * as Life from "./Life.ts"
import type { Resolved } from "./ResolvedOptions.ts"
import { exponential, hash, hex, sequence, unit, uuid4 } from "./Random.ts"

const hour = 3_600_000_000
const scrambler = 0x9e3779b1
/** The inverse of `scrambler` modulo 2³², by Newton's iteration, so that an id leads back to its row. */
const unscrambler = (() => {
  let inverse = scrambler
  for (let i = 0; i < 5; i++) inverse = Math.imul(inverse, 2 - Math.imul(scrambler, inverse))
  return inverse | 0
})()

export class World extends CallColumns {
  readonly options: Resolved
  readonly seed: number
  /** Moves whenever a test adds or removes a row. */
  version = 0
  /** When the next session will be created. */
  nextBirth = Infinity
  readonly agentIds: ReadonlyArray<string>
  readonly organizationId: string
  /** When the start of a row becomes known, where that is later than the start. */
  private readonly startsKnown = new Map<number, number>()
  /** When the start of a row is corrected, and to what. */
  private readonly moves = new Map<number, { readonly at: number; readonly to: number }>()
  /** When the history begins. */
  private readonly begin: number
  private readonly draw: () => number
  private readonly groupChance: number
  private groupLeft = 0
  private groupCreated = 0
  private groupStart = 0
  private leavesByItself: boolean

  constructor(options: Resolved) {
    super(Math.max(16, options.sessions))
    this.options = options
    this.seed = options.seed
    this.agentIds = Array.from({ length: options.agents }, (_, agent) => uuid4(options.seed, 20, agent))
    this.organizationId = uuid4(options.seed, 21, 0)
    this.draw = sequence(hash(options.seed, 1, 0))
    this.begin = options.sessions > 0 ? options.startAt - options.age - options.span : options.startAt
    this.leavesByItself = options.departuresPerHour > 0
    const { share, ways } = options.ties
    const meanWays = (2 + Math.max(2, ways)) / 2
    this.groupChance = share <= 0 ? 0 : share / (share + meanWays * (1 - share))
    this.populate()
    if (options.arrivalsPerHour > 0) this.nextBirth = this.birthAfter(options.startAt)
  }

  private birthAfter(at: number): number {
    const gap = Math.ceil(exponential(hour / this.options.arrivalsPerHour, this.draw()))
    const { life } = this.options
    return life === undefined ? at + gap : Math.max(at + 1, Life.whenLoaded(life, Life.loadUntil(life, at) + gap))
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
    const { life } = this.options
    const [from, to] =
      life === undefined ? [last - span, last] : [Life.loadUntil(life, last - span), Life.loadUntil(life, last)]
    for (let i = 0; i < sessions; i++) {
      const at = Math.floor(from + ((gaps[i] ?? 0) / sum) * (to - from))
      this.born(life === undefined ? at : Life.whenLoaded(life, at))
    }
    this.groupLeft = 0
    // They exist when the server's time begins.
    for (let i = 0; life !== undefined && i < sessions; i++) {
      if ((this.leave[i] ?? Infinity) <= startAt) this.leave[i] = Infinity
      this.visible[i] = Math.min(this.visible[i] ?? startAt, startAt)
    }
  }

  /** Lets the sessions come that were created until then. */
  advanceTo(now: number): void {
    while (this.nextBirth <= now) {
      this.born(this.nextBirth)
      // The rest of a group of ties is created at the same instant.
      if (this.groupLeft === 0) this.nextBirth = this.birthAfter(this.nextBirth)
    }
  }

  /** A call whose life has tails. */
  private bornInto(life: Life.Resolved, i: number, at: number): void {
    const o = this.options
    const dice = new Life.Dice(this.seed, i)
    const connects = !dice.chance(6, o.undated)
    const created = at - (at % o.grain)
    const whole = (instant: number) => instant - (instant % o.grain)
    const made = Life.made(dice, created, connects)
    const [start, end] = [whole(made.start), whole(made.end)]
    this.created[i] = created
    this.start[i] = start
    this.end[i] = end
    this.visible[i] = Life.visible(life, dice, { created, start, end })
    const ended = Life.ended(dice, end)
    this.leave[i] = Life.leaves(life, dice, ended)
    this.agent[i] = hash(this.seed, 12, i) % o.agents
    this.channel[i] = pick(channelWeights, unit(this.seed, 13, i))
    this.final[i] = connects
      ? pick(connectedWeights, dice.unit(7))
      : (unanswered[hash(this.seed, 7, i) % unanswered.length] ?? 3)
    const known = connects ? Life.startKnown(life, dice, ended) : undefined
    if (known !== undefined) this.startsKnown.set(i, known)
    const move = connects ? Life.moves(life, dice, { start, ended }) : undefined
    if (move !== undefined) this.moves.set(i, { at: move.at, to: whole(move.to) })
  }

  private born(at: number): void {
    const i = this.allocate()
    const o = this.options
    if (o.life !== undefined) return this.bornInto(o.life, i, at)
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
    if (!(start <= at) || at < (this.startsKnown.get(row) ?? start)) return NaN
    const move = this.moves.get(row)
    return move !== undefined && move.at <= at ? move.to : start
  }

  /** When its status and its end are known. */
  endKnown(row: number): number {
    const end = this.end[row] ?? Infinity
    return this.options.life === undefined ? end : Life.ended(new Life.Dice(this.seed, row), end)
  }

  /** When its first start is known; NaN for never. */
  startKnown(row: number): number {
    const start = this.start[row] ?? NaN
    return Math.max(start, this.startsKnown.get(row) ?? start)
  }

  /** Instants at which it appears, leaves, or is listed by another start. */
  listings(row: number): ReadonlyArray<number> {
    const known = this.startKnown(row)
    const { at = Infinity } = this.moves.get(row) ?? {}
    return [this.visible[row] ?? Infinity, Number.isNaN(known) ? Infinity : known, at, this.leave[row] ?? Infinity]
  }

  /** When something final of it changes. */
  correctedAt(row: number): number {
    const { life } = this.options
    if (life === undefined || this.settledAt(row, "cost") === Infinity) return Infinity
    const dice = new Life.Dice(this.seed, row)
    return Math.max(this.settledAt(row, "cost"), Life.corrected(life, dice, this.endKnown(row)))
  }

  /** When it becomes another one, in order, from when it appears until it leaves. */
  changes(row: number): ReadonlyArray<number> {
    const [visible = Infinity, ...others] = this.listings(row)
    const leaves = this.leave[row] ?? Infinity
    const comes = finalWithCosts.includes(this.final[row] ?? 0)
      ? [
          ...(["cost", "recording", "analysis"] as const).map((part) => this.settledAt(row, part)),
          this.correctedAt(row)
        ]
      : []
    const all = [...others, this.endKnown(row), ...comes].filter((at) => at > visible && at < Infinity)
    return [visible, ...all.toSorted((left, right) => left - right)].filter((at) => at <= leaves && visible < leaves)
  }

  statusAt(row: number, at: number): string {
    if (at >= this.endKnown(row)) return finalStatuses[this.final[row] ?? 0] ?? "completed"
    const start = this.start[row] ?? NaN
    if (at >= start) {
      const spelling =
        this.options.content === "plain" || this.options.content === "minimal" ? 9 : hash(this.seed, 14, row) % 10
      return spelling === 0 ? "in-progress" : spelling === 1 ? "In Progress" : "in_progress"
    }
    return start - (this.created[row] ?? 0) < 60e6 ? "ringing" : "pending"
  }

  /** When a part of a finished call arrives. */
  settledAt(row: number, part: Life.Later): number {
    const { life } = this.options
    if (life !== undefined) {
      const facts = {
        agent: this.agent[row] ?? 0,
        age: (this.created[row] ?? 0) - this.begin,
        ended: this.endKnown(row)
      }
      return Life.comes(life, new Life.Dice(this.seed, row), facts, part)
    }
    const salt = part === "cost" ? 15 : part === "recording" ? 16 : 17
    return (this.end[row] ?? Infinity) + this.options.settlesWithin * unit(this.seed, salt, row)
  }

  /**
   * Which version of a record is shown: 0 waiting, 1 in progress, then 2 and a bit for each part that has arrived; 32 with another start
   * than the first, 64 with none yet, 128 when corrected.
   */
  stageAt(row: number, at: number): number {
    const start = this.startAt(row, at)
    const listed = start === this.start[row] ? 0 : Number.isNaN(start) ? 64 : 32
    const end = this.endKnown(row)
    if (at < end) return listed + (at >= (this.start[row] ?? NaN) ? 1 : 0)
    if (this.options.life === undefined && at >= end + this.options.settlesWithin) return listed + 30
    return (
      listed +
      2 +
      (at >= this.settledAt(row, "cost") ? 4 : 0) +
      (at >= this.settledAt(row, "recording") ? 8 : 0) +
      (at >= this.settledAt(row, "analysis") ? 16 : 0) +
      (at >= this.correctedAt(row) ? 128 : 0)
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
