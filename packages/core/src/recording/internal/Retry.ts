/** Recordings that could not be had and may be there later, with the links that the API gives now. */
import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"
import * as Lookup from "../../history/Lookup.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import * as Instant from "../../model/Instant.ts"
import type { OutputError } from "../../sink/file/OutputError.ts"
import type { Failure } from "../RecordingFailure.ts"
import type { Index } from "./Index.ts"

/** What time can mend. The rest needs another link, or other settings. */
const passing: ReadonlySet<Failure> = new Set(["missing", "unavailable"])

const mostTries = 8

const minute = 60_000_000

/** The second try needs no wait; the others follow after 5 minutes, 20 minutes, and so on up to four days. */
const waitAfter = (tries: number): number => (tries < 2 ? 0 : 5 * minute * 4 ** (tries - 2))

/** A host that is down costs minutes for each recording. */
const mostInARow = 3

interface Options {
  readonly index: Index
  readonly keep: (sessions: ReadonlyArray<CallSession>) => Effect.Effect<void, OutputError>
  readonly before: Instant.Instant
  readonly maxRequests?: number | undefined
}

/** The calls that may be retried, those that waited longest first. */
const due = ({ before, index }: Options, now: Instant.Instant): ReadonlyArray<string> =>
  [...index.lacking]
    .filter(
      ([, { at, failed, tries }]) =>
        passing.has(failed) && tries < mostTries && at < before && at + waitAfter(tries) <= now
    )
    .sort(([, one], [, other]) => one.at - other.at)
    .map(([id]) => id)

const isCall = (row: Lookup.Found["call"]): row is CallSession => "id" in row

export const run = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<void, OutputError | AgniError, AgniClient> {
  const { index, keep, maxRequests = 100 } = options
  let requests = 0
  let inARow = 0
  for (const id of due(options, yield* Instant.now)) {
    if (requests >= maxRequests || inARow >= mostInARow) return
    const looked = yield* Lookup.find([id])
    requests += looked.requests
    const calls = looked.found.flatMap(({ call, isRejected }) => (!isRejected && isCall(call) ? [call] : []))
    yield* keep(calls)
    const known = index.lacking.get(id)
    if (known === undefined) {
      inARow = 0
      continue
    }
    const hasLink = calls.some(({ recordingUrl: link }) => typeof link === "string" && link !== "")
    if (!hasLink) {
      // The call is gone, or has no recording any more: a try too, so that it ends.
      const at = Instant.format(yield* Instant.now)
      yield* index.add({ session: id, path: known.path, at, failed: "missing", tries: known.tries + 1 })
      yield* index.sync
    }
    inARow = hasLink && known.failed === "unavailable" ? inARow + 1 : 0
  }
})
