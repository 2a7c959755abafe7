/** One session at one moment as JSON text, in the edition and with the manners that the options ask for. */
import * as Content from "./Content.ts"
import * as Instant from "./WireInstant.ts"
import type { Resolved } from "./ResolvedOptions.ts"
import { hash, unit } from "./Random.ts"
import { channels, finalStatuses, finalWithCosts } from "./CallKinds.ts"
import type { World } from "./World.ts"

/** A record's text around the signature of its recording's URL, which differs in each response. */
export interface Rendered {
  readonly head: string
  /** `undefined` where there is no recording: `head` is all. */
  readonly tail: string | undefined
}

/** The vendor's spelling in either edition. */
const snakeNames = new Map<string, string>()
const snakeKey = (name: string): string => {
  const known = snakeNames.get(name)
  if (known !== undefined) return known
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  snakeNames.set(name, snake)
  return snake
}
const camelKey = (name: string): string => name

/** A value that isn't there. */
const missing = Symbol("missing")
type Json = string | typeof missing

const exact: ReadonlyArray<Instant.Spelling> = ["micros", "offset", "go"]

/** Those that show the whole instant: one that is cut off would be another one than the server orders and filters by. */
const spellingsOf = (grain: number): ReadonlyArray<Instant.Spelling> =>
  grain >= 1e6 ? ["seconds", "millis", ...exact] : grain >= 1e3 ? ["millis", ...exact] : exact

/** A customer calls again: about one in eight rows shares its caller. */
const customerOf = (world: World, row: number): number =>
  hash(world.seed, 30, row) % Math.max(1, Math.ceil(world.options.sessions / 8))

/** Who speaks to whom: inbound, the caller is the customer; outbound, the callee is; on the web there are no numbers. */
const party = (world: World, row: number) => {
  const channel = world.channel[row] ?? 0
  const customer = customerOf(world, row)
  const web = channel === 2 || channel === 6
  const outbound = channel === 1 || (channel > 2 && hash(world.seed, 31, row) % 2 === 0)
  return { customer, web, outbound }
}

export const callerNumber = (world: World, row: number): string | undefined => {
  const { customer, web, outbound } = party(world, row)
  if (web) return undefined
  return outbound ? Content.phone(world.seed, 34, world.agent[row] ?? 0) : Content.phone(world.seed, 32, customer)
}

const calleeNumber = (world: World, row: number): string | undefined => {
  const { customer, web, outbound } = party(world, row)
  if (web) return undefined
  return outbound ? Content.phone(world.seed, 32, customer) : Content.phone(world.seed, 34, world.agent[row] ?? 0)
}

const callerNameOf = (world: World, row: number): string | undefined => {
  const { customer } = party(world, row)
  return hash(world.seed, 35, customer) % 5 === 0
    ? undefined
    : Content.personName(world.options.content, world.seed, customer)
}

const callerEmailOf = (world: World, row: number): string | undefined => {
  const { customer } = party(world, row)
  return hash(world.seed, 36, customer) % 2 === 0 ? undefined : Content.email(world.seed, customer)
}

/** What `search` looks through: id, numbers, names, e-mail, agent. */
export const searchText = (world: World, row: number): string =>
  [
    world.id(row),
    callerNumber(world, row) ?? "",
    calleeNumber(world, row) ?? "",
    callerNameOf(world, row) ?? "",
    callerEmailOf(world, row) ?? "",
    Content.agentName(world.options.content, world.agent[row] ?? 0)
  ]
    .join("\n")
    .toLowerCase()

const text = (value: string | undefined): Json => (value === undefined ? missing : JSON.stringify(value))

const integer = (options: Resolved, row: number, value: number): Json =>
  options.integers === "string" || (options.integers === "mixed" && row % 2 === 0) ? `"${value}"` : String(value)

const breakdown = (world: World, row: number, seconds: number, millis: number): string => {
  const { web } = party(world, row)
  const extra =
    world.options.unknownFields && hash(world.seed, 37, row) % 7 === 0
      ? `,"llm_tokens":${hash(world.seed, 38, row) % 5000}`
      : ""
  return `{"channel":${JSON.stringify(channels[world.channel[row] ?? 0])},"duration_sec":${seconds},"model_credits":${
    (millis * 6) / 10_000
  },"provider_credits":${(millis * 4) / 10_000},"provider_managed":${!web},"telephony_type":${
    web ? '""' : '"twilio"'
  },"total_credits":${(millis * 10) / 10_000}${extra}}`
}

type Kind = "text" | "time" | "number" | "object" | "nullable"

/** How a missing value is written; `missing` where the key itself is left out. */
const missingAs = (o: Resolved, seed: number, row: number, name: string, kind: Kind): Json => {
  const text = kind === "text" || kind === "time"
  switch (o.missing) {
    case "documented":
      return kind === "text" ? '""' : kind === "nullable" ? "null" : missing
    case "absent":
      return missing
    case "empty":
      return text ? '""' : "null"
    case "null":
      return "null"
    case "mixed": {
      const manner = hash(seed, 63 + name.length, row) % 3
      return manner === 0 ? missing : manner === 1 && text ? '""' : "null"
    }
  }
}

const isZero = (json: string): boolean => json === "0" || json === '"0"' || json === '""' || json === "false"

const omitsZero = ({ zeros }: Resolved, seed: number, row: number, name: string): boolean =>
  zeros === "omitted" || (zeros === "mixed" && hash(seed, 88 + name.length, row) % 2 === 0)

/** The facts of a call at an instant, from which its record is written. */
const momentOf = (world: World, row: number, at: number) => {
  const { options: o, seed } = world
  const start = world.startAt(row, at)
  const end = world.end[row] ?? Infinity
  const isEnded = at >= world.endKnown(row)
  const isDated = !Number.isNaN(start)
  const stage = world.stageAt(row, at)
  const final = finalStatuses[world.final[row] ?? 0]
  const talked = isEnded && finalWithCosts.includes(world.final[row] ?? 0)
  const seconds = isDated && isEnded ? Math.max(0, Math.floor((end - start) / 1e6)) : 0
  const isRich = o.content !== "minimal"
  return {
    start: isDated ? start : undefined,
    end,
    isEnded,
    isFailed: isEnded && (final === "error" || final === "failed"),
    talked,
    seconds,
    // Ten-thousandths of whatever the vendor counts in, so that `0.1234` stays exact.
    units: seconds * 7 + (hash(seed, 61, row) % 40) + ((stage & 128) === 0 ? 0 : 8),
    isRich,
    hasCosts: talked && (stage & 4) !== 0,
    isRecorded: talked && (stage & 8) !== 0 && (o.life !== undefined || unit(seed, 62, row) < 0.9),
    isAnalysed: (isRich || o.life !== undefined) && talked && (stage & 16) !== 0
  }
}

/** How a row spells its instants. */
const spelled = ({ options: o, seed }: World, row: number): ((instant: number) => string) => {
  const spellings = spellingsOf(o.grain)
  const spelling =
    o.timestamps === "mixed" ? (spellings[hash(seed, 60, row) % spellings.length] ?? "micros") : o.timestamps
  return (instant) => `"${Instant.format(instant, spelling)}"`
}

/** Writes the record of a row at an instant. */
const render = (world: World, row: number, at: number): Rendered => {
  const { options: o, seed } = world
  const level = o.content
  const { end, hasCosts, isAnalysed, isEnded, isFailed, isRecorded, isRich, seconds, start, talked, units } = momentOf(
    world,
    row,
    at
  )
  const id = world.id(row)
  const when = spelled(world, row)

  // Joined at the end: a text that was added up piece by piece stays a tree, and thousands of trees are kept.
  const out: Array<string> = []
  const key = o.edition === "camel" ? camelKey : snakeKey
  const write = (name: string, value: Json, kind: Kind): void => {
    const json = value === missing ? missingAs(o, seed, row, name, kind) : value
    if (json === missing || (isZero(json) && omitsZero(o, seed, row, name))) return
    out.push(`"${key(name)}":${json}`)
  }

  write("id", `"${id}"`, "text")
  write("agentId", `"${world.agentId(row)}"`, "text")
  write("organizationId", `"${world.organizationId}"`, "text")
  write("roomId", `"call_${id}"`, "text")
  write("callerNumber", text(callerNumber(world, row)), "text")
  write("calleeNumber", text(calleeNumber(world, row)), "text")
  write("callerName", text(callerNameOf(world, row)), "text")
  write("callerEmail", text(callerEmailOf(world, row)), "text")
  write("channel", text(channels[world.channel[row] ?? 0]), "text")
  write("status", text(world.statusAt(row, at)), "text")
  write("summary", isRich && isAnalysed ? text(Content.summary(level, seed, row)) : missing, "text")
  write("metadata", isRich ? Content.metadata(level, seed, row) : "{}", "object")
  write("errorMessage", text(isFailed ? "SIP 486: Busy Here" : undefined), "text")
  write(
    "disconnectReason",
    text(isEnded ? (talked ? Content.disconnectReason(seed, row) : "error") : undefined),
    "text"
  )
  write(
    "promptDynamicVariables",
    !isRich || hash(seed, 64, row) % 3 === 0 ? "{}" : Content.promptVariables(level, seed, row),
    "object"
  )
  write(
    "extractDynamicVariables",
    isRich && isAnalysed && hash(seed, 65, row) % 2 === 0 ? Content.extracted(seed, row) : missing,
    "nullable"
  )
  write("callLatencyMs", integer(o, row, talked ? 200 + (hash(seed, 66, row) % 1800) : 0), "number")
  const startedAt = start === undefined ? undatedText(o, seed, row) : when(start)
  if (startedAt !== missing) out.push(`"${key("startedAt")}":${startedAt}`)
  write("endedAt", isEnded && end !== Infinity ? when(end) : missing, "time")
  write("durationSec", isEnded ? integer(o, row, seconds) : missing, "number")
  write("createdAt", when(world.created[row] ?? 0), "time")
  write("costTotal", hasCosts ? costText(o, row, units) : missing, "text")
  write("agentName", text(Content.agentName(level, world.agent[row] ?? 0)), "text")
  write("postCallAnalysisResult", isAnalysed ? Content.analysis(level, seed, row) : missing, "object")
  write("creditBreakdown", isRich && hasCosts ? breakdown(world, row, seconds, units) : missing, "object")
  if (o.unknownFields) {
    write("carrierName", hash(seed, 67, row) % 2 === 0 ? '"Airtel"' : missing, "text")
    write("qualityScores", `{"mosAvg":4.1,"packet loss":${unit(seed, 68, row)},"per_leg":[1,null,{"x":"y"}]}`, "object")
  }
  if (!isRecorded) {
    write("recordingUrl", missing, "text")
    return { head: `{${out.join(",")}}`, tail: undefined }
  }
  out.push(`"${key("recordingUrl")}":"${o.recordingsUrl}/v1/calls/${id}/recording?token=`)
  return { head: `{${out.join(",")}`, tail: '"}' }
}

const costText = (o: Resolved, row: number, units: number): Json => {
  const cost = `${Math.floor(units / 10_000)}.${String(units % 10_000).padStart(4, "0")}`
  return o.cost === "number" || (o.cost === "mixed" && row % 2 === 1) ? String(Number(cost)) : `"${cost}"`
}

/** What replaces a start that isn't there; `missing` where the key itself is left out. */
const undatedText = (o: Resolved, seed: number, row: number): Json => {
  const kinds = ["null", "absent", "empty", "zero"] as const
  const kind = o.undatedAs === "mixed" ? kinds[hash(seed, 69, row) % 4] : o.undatedAs
  return kind === "zero" ? JSON.stringify(Instant.goZero) : kind === "empty" ? '""' : kind === "null" ? "null" : missing
}

/** Record texts by row and stage, the older half forgotten when there are too many characters. */
export class RecordCache {
  private readonly world: World
  private readonly limit: number
  private young = new Map<number, Rendered>()
  private old = new Map<number, Rendered>()
  private characters = 0

  constructor(world: World, limit: number) {
    this.world = world
    this.limit = limit / 2
  }

  get(row: number, at: number): Rendered {
    const key = row * 256 + this.world.stageAt(row, at)
    const known = this.young.get(key)
    if (known !== undefined) return known
    const rendered = this.old.get(key) ?? render(this.world, row, at)
    this.young.set(key, rendered)
    this.characters += rendered.head.length
    if (this.characters > this.limit) {
      this.old = this.young
      this.young = new Map()
      this.characters = 0
    }
    return rendered
  }
}
