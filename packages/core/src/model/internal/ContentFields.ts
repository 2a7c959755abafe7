/** The fields of a record as content: to which facet each belongs, and what its text means. */
import * as Instant from "../Instant.ts"
import { earliestStart } from "../Limits.ts"
import * as ContentSum from "./ContentSum.ts"
import * as DecimalText from "./DecimalText.ts"

/** In the order of their sums. */
export const facets = ["lifecycle", "cost", "recording", "analysis", "rest"] as const

const lifecycle = ["status", "durationSec", "callLatencyMs", "disconnectReason", "errorMessage", "startedAt", "endedAt"]
const cost = ["costTotal", "creditBreakdown"]
const analysis = ["postCallAnalysisResult", "extractDynamicVariables", "summary"]

/** Each field that has a facet or a spelling of its own. */
export const known: ReadonlyArray<string> = [...lifecycle, ...cost, ...analysis, "recordingUrl", "createdAt"]

const facetOf = (name: string): (typeof facets)[number] =>
  lifecycle.includes(name)
    ? "lifecycle"
    : analysis.includes(name)
      ? "analysis"
      : cost.includes(name)
        ? "cost"
        : name === "recordingUrl"
          ? "recording"
          : "rest"

/** No decimal begins with a letter: most texts do. */
export const isLetter = (code: number): boolean => code >= 65 && code < 128

/** `0.30` is `0.3`, where the contract says that it is a number. */
const ofNumber = (text: string): string =>
  isLetter(text.charCodeAt(0)) ? text : (DecimalText.canonical(text.trim()) ?? text)

/** The editions write times differently; Go writes one that was never set as the year 1. */
const ofTime = (text: string): ContentSum.Spelt => {
  const instant = Instant.parse(text.trim())
  return instant === undefined ? text : instant < earliestStart ? null : instant
}

/** A link to a recording has another signature in each answer: only its path says which recording it is. */
const ofPath = (text: string): string => {
  const ends = [text.indexOf("?"), text.indexOf("#")].filter((at) => at >= 0)
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends))
}

const spellings: ReadonlyMap<string, (text: string) => ContentSum.Spelt> = new Map([
  ["startedAt", ofTime],
  ["endedAt", ofTime],
  ["createdAt", ofTime],
  ["durationSec", ofNumber],
  ["callLatencyMs", ofNumber],
  ["costTotal", ofNumber],
  ["recordingUrl", ofPath]
])

/** A member of credits. */
export const ofCredit = (value: unknown): unknown => (typeof value === "string" ? ofNumber(value) : value)

const make = (name: string): ContentSum.Field =>
  ContentSum.field(name, {
    place: facets.indexOf(facetOf(name)),
    spell: spellings.get(name),
    spellMembers: name === "creditBreakdown" ? ofCredit : undefined
  })

/** The names of fields are few. */
const fields = new Map<string, ContentSum.Field>()
const most = 1000

export const of = (name: string): ContentSum.Field => {
  const found = fields.get(name)
  if (found !== undefined) return found
  const field = make(name)
  if (fields.size < most) fields.set(name, field)
  return field
}
