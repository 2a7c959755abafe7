/** What a sync knows, for `callstream status` and `callstream why`. */
import { Instant, type Settlement, type Verdict } from "@callstream/core"
import * as ShownTime from "../option/ShownTime.ts"
import type { Zone } from "../option/Zone.ts"
import * as Format from "./Format.ts"
import * as SyncSummary from "./SyncSummary.ts"

type Clock = Zone["clock"]

export const toJson = (name: string, verdict: Verdict.Verdict, givenUp: ReadonlyArray<Verdict.GivenUp>) => ({
  sync: name,
  ...SyncSummary.verdictJson(verdict, givenUp)
})

const place = (
  sink: string,
  { isUsed, lacks, watermark }: Verdict.Consumer,
  verdict: Verdict.Verdict,
  clock: Clock
): string => {
  const calls =
    watermark >= verdict.watermark
      ? ""
      : watermark <= verdict.from
        ? ", and has nothing complete yet"
        : `, and calls that started at ${ShownTime.minute(watermark, clock)} or later`
  const what = lacks <= 0 && calls === "" ? "is up to date" : `lacks ${Format.counted(lacks, "change")}${calls}`
  return `${sink} ${what}${isUsed ? "" : ": the last run did not have this sink"}.`
}

const places: Readonly<Record<Verdict.WithoutStart, string>> = {
  creation: "among all others, in the order of creation",
  front: "in front of the list",
  end: "at the end of the list"
}

const withoutStart = ({ withoutStart: { by } }: Verdict.Verdict): ReadonlyArray<string> =>
  by === undefined ? [] : [`callstream finds calls without a start time ${places[by]}.`]

export const lines = (
  name: string,
  verdict: Verdict.Verdict,
  givenUp: ReadonlyArray<Verdict.GivenUp>,
  clock: Clock
): ReadonlyArray<string> => [
  `${name}: ${Format.counted(verdict.calls, "call")}`,
  ...[
    ...SyncSummary.state(verdict, givenUp, clock),
    ...withoutStart(verdict),
    ...(Object.keys(verdict.consumers).length === 0 ? ["No sink has a change yet: run the sync again."] : []),
    ...Object.entries(verdict.consumers).map(([sink, consumer]) => place(sink, consumer, verdict, clock))
  ].map((line) => `  ${line}`)
]

const expected = (standing: Settlement.Standing): ReadonlyArray<string> => {
  switch (standing._tag) {
    case "Final":
      return ["It is final: nothing more is expected."]
    case "Awaiting":
      return [`Awaited: ${standing.facets.map((facet) => (facet === "lifecycle" ? "its end" : facet)).join(", ")}.`]
    case "GivenUp":
      return standing.facets.map(({ because, facet }) => `No longer awaited: ${facet}, ${because}.`)
  }
}

export const why = (
  sync: string,
  id: string,
  explained: Verdict.Explained | undefined,
  clock: Clock
): ReadonlyArray<string> => {
  if (explained === undefined) {
    return [
      `the sync ${sync} knows no call with the id ${id}`,
      "  It was never listed in the range of the sync, or started so long ago that the sync forgot it."
    ]
  }
  const { entry, has, lacks, standing } = explained
  const time = (at: number) => ShownTime.time(Instant.of(at), clock)
  const state = [
    entry.start === undefined ? "It has no start time." : `It started at ${time(entry.start)}.`,
    `First seen at ${time(entry.firstSeen)}, read last at ${time(entry.readAt)}.`,
    `Its latest version has the sequence ${entry.sequence} (${time(entry.sequence)}).`,
    ...(entry.milestones.length === 0 ? [] : [`Reached: ${entry.milestones.join(", ")}.`]),
    ...(entry.gone === undefined
      ? expected(standing)
      : [entry.gone === "removed" ? "The API no longer lists it." : "It starts before the range of the sync now."]),
    ...(entry.shown === "left" && entry.gone === undefined ? ["It does not pass the filters any more."] : []),
    ...(entry.shown === "never" ? ["No version of it passed the filters."] : []),
    ...(entry.doubted === undefined
      ? []
      : [`Since ${time(entry.doubted.since)} the API contradicts this; a second look, ten minutes later, decides.`]),
    ...(entry.due === undefined || entry.gone !== undefined ? [] : [`It is read again from ${time(entry.due)} on.`]),
    ...(has.length === 0 ? [] : [`Up to date: ${has.join(", ")}.`]),
    ...(lacks.length === 0 ? [] : [`Behind: ${lacks.join(", ")}.`])
  ]
  return [`${sync}: ${id}`, ...state.map((line) => `  ${line}`)]
}

export const whyJson = (sync: string, id: string, explained: Verdict.Explained | undefined) => {
  if (explained === undefined) return { sync, id, known: false }
  const { entry, has, lacks, standing } = explained
  const time = (at: number | undefined) => (at === undefined ? null : Instant.format(Instant.of(at)))
  return {
    sync,
    id,
    known: true,
    start: time(entry.start),
    created: time(entry.created),
    firstSeen: time(entry.firstSeen),
    readAt: time(entry.readAt),
    sequence: entry.sequence,
    milestones: entry.milestones,
    gone: entry.gone ?? null,
    shown: entry.shown,
    standing,
    doubted: entry.doubted === undefined ? null : { as: entry.doubted.as, since: time(entry.doubted.since) },
    due: entry.gone === undefined ? time(entry.due) : null,
    upToDate: has,
    behind: lacks
  }
}
