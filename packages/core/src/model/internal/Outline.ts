/**
 * What a sync has to know of calls, without their content, as columns: a thread can make them while it has the objects, and then
 * nobody else needs these.
 */
import * as CallSession from "../CallSession.ts"
import * as Change from "../Change.ts"
import type { Instant } from "../Instant.ts"
import { of as instantOf } from "../Instant.ts"
import type { Item } from "../Item.ts"
import { ContentScan } from "./ContentScan.ts"
import * as Packed from "./Packed.ts"

export interface Outline {
  readonly created: Instant | undefined
  readonly ended: Instant | undefined
  /** The id of its agent, `""` without one. */
  readonly agent: string
  readonly status: CallSession.StatusClass
  readonly milestones: ReadonlyArray<Change.Milestone>
  readonly digests: (key: Change.Key) => ReadonlyArray<number>
}

const statuses = ["open", "answered", "unanswered"] as const

/** Lists of the same few milestones, made once. */
const reached: ReadonlyArray<ReadonlyArray<Change.Milestone>> = Array.from({ length: 32 }, (_, bits) =>
  Change.Milestone.literals.filter((_, i) => (bits & (1 << i)) !== 0)
)

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

/** The place of a text in a list, which gets it if it is new. */
const placeIn = (list: Array<string>, places: Map<string, number>, text: string): number => {
  const known = places.get(text)
  if (known !== undefined) return known
  places.set(text, list.length)
  return list.push(text) - 1
}

/** Columns that are filled call by call. */
class Columns {
  readonly ended: Float64Array<ArrayBuffer>
  readonly flags: Uint8Array<ArrayBuffer>
  readonly agentOf: Uint32Array<ArrayBuffer>
  private readonly agents: Array<string> = []
  private readonly places = new Map<string, number>()
  private readonly organizations = new Set<string>()

  constructor(length: number) {
    this.ended = new Float64Array(length)
    this.flags = new Uint8Array(length)
    this.agentOf = new Uint32Array(length)
  }

  /**
   * @param ended NaN of a call that has no end.
   * @param milestones As bits, in the order of `Change.Milestone`.
   */
  put(
    i: number,
    ended: number,
    status: CallSession.StatusClass,
    milestones: number,
    agent: string,
    organization: string
  ): void {
    this.ended[i] = ended
    this.flags[i] = statuses.indexOf(status) | (milestones << 2)
    this.agentOf[i] = placeIn(this.agents, this.places, agent)
    if (organization !== "") this.organizations.add(organization)
  }

  with(sums: Uint32Array<ArrayBuffer>): Packed.Outlines {
    const { agentOf, agents, ended, flags, organizations } = this
    return { sums, ended, flags, agents, agentOf, organizations: [...organizations] }
  }
}

const bitsOf = (milestones: ReadonlyArray<Change.Milestone>): number =>
  milestones.reduce((all, one) => all | (1 << Change.Milestone.literals.indexOf(one)), 0)

const endOf = (session: CallSession.CallSession): number => CallSession.endInstant(session) ?? Number.NaN

const putParsed = (columns: Columns, i: number, session: CallSession.CallSession): void => {
  const milestones = bitsOf(Change.milestones(session))
  const [agent, organization] = [textOf(session.agentId), textOf(session.organizationId)]
  columns.put(i, endOf(session), CallSession.statusClass(session), milestones, agent, organization)
}

export const make = (sessions: ReadonlyArray<CallSession.CallSession>): Packed.Outlines => {
  const columns = new Columns(sessions.length)
  for (const [i, session] of sessions.entries()) putParsed(columns, i, session)
  return columns.with(Change.sums(sessions))
}

/** Calls in a response: where each begins, and how many bytes before it are not a character of their own. */
export interface Scanned {
  readonly body: Uint8Array<ArrayBuffer>
  readonly text: string
  readonly begins: ReadonlyArray<number>
  readonly shifts: ReadonlyArray<number>
}

const [completed, cost, recording, analysis] = [1, 2, 4, 8]

/**
 * The same of calls that are written as `JSON.stringify` writes them.
 *
 * @param sessions Their ids, times, statuses and costs.
 * @param others Those that are written in another way, each by its place.
 */
export const ofScanned = (
  { begins, body, shifts, text }: Scanned,
  { created, starts }: Pick<Packed.Packed, "created" | "starts">,
  sessions: ReadonlyArray<CallSession.CallSession>,
  others: ReadonlyMap<number, CallSession.CallSession>
): Packed.Outlines => {
  const { length } = sessions
  const columns = new Columns(length)
  const sums = new Uint32Array(Change.width * length)
  const scan = new ContentScan(body, text)
  for (let i = 0; i < length; i++) {
    const session = sessions[i]
    if (session === undefined) break
    const other = others.get(i)
    if (other !== undefined) {
      putParsed(columns, i, other)
      sums.set(Change.sums([other]), Change.width * i)
      continue
    }
    scan.started = starts[i] ?? Number.NaN
    scan.created = created[i] ?? Number.NaN
    const ended = endOf(session)
    const status = CallSession.statusClass(session)
    scan.ended = ended
    scan.record(begins[i] ?? 0, shifts[i] ?? 0, sums, Change.width * i)
    const milestones =
      (status === "open" ? 0 : completed) |
      (CallSession.hasCost(session) ? cost : 0) |
      (scan.hasRecording ? recording : 0) |
      (scan.hasAnalysis ? analysis : 0)
    columns.put(i, ended, status, milestones, scan.agent, scan.organization)
  }
  return columns.with(sums)
}

const at = (
  { agentOf, agents, ended, flags, sums }: Packed.Outlines,
  created: Instant | undefined,
  place: number
): Outline => {
  const [end = Number.NaN, bits = 0, agent = 0] = [ended[place], flags[place], agentOf[place]]
  return {
    created,
    ended: Number.isNaN(end) ? undefined : instantOf(end),
    agent: agents[agent] ?? "",
    status: statuses[bits & 3] ?? "open",
    milestones: reached[bits >>> 2] ?? [],
    digests: (key) => Change.digestsAt(sums, place, key)
  }
}

/** The outline of a call. */
export const of = (session: CallSession.CallSession): Outline =>
  at(make([session]), CallSession.createdInstant(session), 0)

/** The same of an item, whose content is read only if nobody made its outline. */
export const ofItem = (item: Item<CallSession.CallSession>): Outline => {
  const found = Packed.outlineOf(item)
  return found === undefined ? of(item.row) : at(found.outlines, item.created, found.place)
}

/** The outlines that an item is in, at the place that `Packed.placeOf` says: they are made if nobody made them. */
export const outlinesOf = (item: Item<CallSession.CallSession>): Packed.Outlines =>
  Packed.outlinesOf(item) ?? make([item.row])

/** The organizations that items name. */
export const organizationsOf = (items: ReadonlyArray<Item<CallSession.CallSession>>): ReadonlySet<string> => {
  const found = new Set<string>()
  let last: Packed.Outlines | undefined
  for (const item of items) {
    const outlines = Packed.outlinesOf(item)
    if (outlines === undefined) {
      const organization = textOf(item.row.organizationId)
      if (organization !== "") found.add(organization)
    } else if (outlines !== last) for (const one of outlines.organizations) found.add(one)
    last = outlines
  }
  return found
}
