/**
 * Calls that were new in one reading, as bytes of fixed length a call. Of a first pass nothing else is made: most of its calls never
 * change again, and no entry of one is needed before somebody asks for it.
 */
import type { Milestone } from "../../model/Change.ts"
import * as Version from "../../model/Version.ts"
import type { Entry, NewCalls } from "../LedgerEntry.ts"
import type { Facts, Later } from "../Settlement.ts"
import type { Micros } from "../Tail.ts"
import * as EntryBytes from "./EntryBytes.ts"

const second = 1_000_000

/** Where the parts of a call are. */
const at = { start: 0, created: 8, ended: 16, sequence: 24, digests: 32, flags: 52, agent: 54, due: 58, row: 62 }
const length = 66

/** In `flags`: what the status says, milestones, what it lacks, and whether it was counted, is shown, and has a digest of its row. */
const bits = { milestones: 2, lacks: 7, counted: 1 << 10, shown: 1 << 11, row: 1 << 12 }

/** So many at most are kept together: one that changes takes the others with it. */
export const most = 128

/** A page as it was kept. */
export interface Kept {
  readonly ids: Uint8Array
  readonly records: Uint8Array
  /** The commit of its first call. */
  readonly first: number
  readonly readAt: Micros
}

const orNone = (value: number): number | undefined => (Number.isNaN(value) ? undefined : value)

export class EntryPage implements NewCalls {
  readonly size: number
  readonly first: number
  readonly readAt: Micros
  readonly agents: ReadonlyArray<string>
  readonly view: DataView
  readonly idAt: (place: number) => string

  constructor(
    { first, readAt, records }: Omit<Kept, "ids">,
    agents: ReadonlyArray<string>,
    idAt: (place: number) => string
  ) {
    this.size = records.length / length
    this.first = first
    this.readAt = readAt
    this.agents = agents
    this.view = new DataView(records.buffer, records.byteOffset, records.length)
    this.idAt = idAt
  }

  protected flagsAt(place: number): number {
    return this.view.getUint16(length * place + at.flags, true)
  }

  startAt(place: number): Micros {
    return this.view.getFloat64(length * place + at.start, true)
  }

  /** In seconds; 0 where it is not due. */
  dueAt(place: number): number {
    return this.view.getUint32(length * place + at.due, true)
  }

  milestonesAt(place: number): ReadonlyArray<Milestone> {
    return EntryBytes.milestonesOf[(this.flagsAt(place) >>> bits.milestones) & 31] ?? []
  }

  lacksAt(place: number): ReadonlyArray<Later> {
    return EntryBytes.lacksOf[(this.flagsAt(place) >>> bits.lacks) & 7] ?? []
  }

  private agentAt(place: number): string | undefined {
    return this.agents[this.view.getUint32(length * place + at.agent, true)]
  }

  factsAt(place: number): Facts {
    return {
      agent: this.agentAt(place) ?? "",
      status: EntryBytes.statuses[this.flagsAt(place) & 3] ?? "open",
      end: orNone(this.view.getFloat64(length * place + at.ended, true)) ?? this.startAt(place),
      lacks: this.lacksAt(place)
    }
  }

  /** Whether a ledger with these agents wrote it. */
  isWhole(): boolean {
    for (let i = 0; i < this.size; i++) {
      if (this.agentAt(i) === undefined || !Number.isFinite(this.startAt(i))) return false
    }
    return true
  }

  hasSome(ids: ReadonlySet<string>): boolean {
    for (let i = 0; i < this.size; i++) if (ids.has(this.idAt(i))) return true
    return false
  }

  at(place: number): Entry {
    const { view } = this
    const from = length * place
    const flags = this.flagsAt(place)
    const changed = this.first + place
    const due = this.dueAt(place)
    return {
      id: this.idAt(place),
      start: this.startAt(place),
      created: orNone(view.getFloat64(from + at.created, true)),
      ended: orNone(view.getFloat64(from + at.ended, true)),
      agent: this.agentAt(place) ?? "",
      status: EntryBytes.statuses[flags & 3] ?? "open",
      digests: Array.from({ length: 5 }, (_, i) => view.getUint32(from + at.digests + 4 * i, true)),
      milestones: this.milestonesAt(place),
      lacks: this.lacksAt(place),
      sequence: Version.of(view.getFloat64(from + at.sequence, true)),
      readAt: this.readAt,
      firstSeen: this.readAt,
      born: changed,
      changed,
      due: due === 0 ? undefined : due * second,
      doubted: undefined,
      gone: undefined,
      owed: false,
      counted: (flags & bits.counted) !== 0,
      shown: (flags & bits.shown) === 0 ? "never" : "shown",
      row: (flags & bits.row) === 0 ? undefined : view.getUint32(from + at.row, true)
    }
  }
}

/** A page of calls that become known now. */
export class NewPage extends EntryPage {
  readonly ids: Array<string>
  private readonly places: Map<string, number>
  private readonly names: Array<string>

  constructor(size: number, first: number, readAt: Micros) {
    const ids: Array<string> = []
    const names: Array<string> = []
    super({ first, readAt, records: new Uint8Array(length * size) }, names, (place) => ids[place] ?? "")
    this.ids = ids
    this.names = names
    this.places = new Map()
  }

  private placeOf(agent: string): number {
    const known = this.places.get(agent)
    if (known !== undefined) return known
    this.places.set(agent, this.names.length)
    return this.names.push(agent) - 1
  }

  /** Times that a call does not have are NaN. */
  putTimes(place: number, start: Micros, created: Micros, ended: Micros): void {
    const { view } = this
    const from = length * place
    view.setFloat64(from + at.start, start, true)
    view.setFloat64(from + at.created, created, true)
    view.setFloat64(from + at.ended, ended, true)
  }

  putVersion(place: number, sequence: Version.Version): void {
    this.view.setFloat64(length * place + at.sequence, sequence, true)
  }

  /**
   * @param flags As in `Packed.Outlines`: the place of what its status says, and its milestones as bits from the third on.
   * @param due In seconds; 0 where it is not due.
   */
  put(place: number, id: string, agent: string, flags: number, counted: boolean, due: number): void {
    const { view } = this
    const from = length * place
    this.ids[place] = id
    // Milestones have the same order in both; behind `completed`, they are what may be lacking.
    const lacks = (~flags >>> 3) & 7
    view.setUint16(from + at.flags, flags | (lacks << bits.lacks) | (counted ? bits.counted : 0), true)
    view.setUint32(from + at.agent, this.placeOf(agent), true)
    view.setUint32(from + at.due, due, true)
  }

  /** @param digest Signed or not. */
  putDigest(place: number, facet: number, digest: number): void {
    this.view.setInt32(length * place + at.digests + 4 * facet, digest, true)
  }

  /** Consumers may show it from now on, and this row of it. */
  show(place: number, row: number | undefined): void {
    const from = length * place
    const shown = bits.shown | (row === undefined ? 0 : bits.row)
    this.view.setUint16(from + at.flags, this.flagsAt(place) | shown, true)
    if (row !== undefined) this.view.setUint32(from + at.row, row, true)
  }

  /** Parts to keep, with the places that a ledger has for agents. Nothing where an id is no UUID. */
  parts(placeOf: (agent: string) => number): ReadonlyArray<Part> | undefined {
    const places = this.names.map(placeOf)
    const parts: Array<Part> = []
    for (let from = 0; from < this.size; from += most) {
      const to = Math.min(this.size, from + most)
      const ids = new Uint8Array(EntryBytes.uuidBytes * (to - from))
      const records = new Uint8Array(
        this.view.buffer,
        this.view.byteOffset + length * from,
        length * (to - from)
      ).slice()
      const view = new DataView(records.buffer)
      let [since, until, due] = [Infinity, -Infinity, Infinity]
      for (let i = from; i < to; i++) {
        const id = this.ids[i] ?? ""
        if (!EntryBytes.isUuid(id)) return undefined
        EntryBytes.putUuid(id, ids, EntryBytes.uuidBytes * (i - from))
        const agent = length * (i - from) + at.agent
        view.setUint32(agent, places[view.getUint32(agent, true)] ?? 0, true)
        since = Math.min(since, this.startAt(i))
        until = Math.max(until, this.startAt(i))
        const one = this.dueAt(i)
        if (one !== 0) due = Math.min(due, one)
      }
      parts.push({
        first: this.first + from,
        calls: to - from,
        since: Math.floor(since / second),
        until: Math.floor(until / second),
        due: due === Infinity ? null : due,
        readAt: this.readAt,
        ids,
        records
      })
    }
    return parts
  }
}

/** Some calls of a page, and what they are found by: the first and the last start, and the first due time, in seconds. */
export interface Part extends Kept {
  readonly calls: number
  readonly since: number
  readonly until: number
  readonly due: number | null
}

/** Whether these are as many ids as records. */
export const isKept = ({ ids, records }: Pick<Kept, "ids" | "records">): boolean =>
  records.length > 0 && records.length % length === 0 && ids.length / EntryBytes.uuidBytes === records.length / length

/** The page as it was kept. */
export const ofKept = (kept: Kept, agents: ReadonlyArray<string>): EntryPage =>
  new EntryPage(kept, agents, (place) =>
    EntryBytes.toId(kept.ids.subarray(EntryBytes.uuidBytes * place, EntryBytes.uuidBytes * (place + 1)))
  )
