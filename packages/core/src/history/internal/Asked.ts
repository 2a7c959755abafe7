/** Bounds that people give, read as instants before anything is requested. */
import * as Result from "effect/Result"
import type { AgniError } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import { mistake, mistakeIn } from "./Refuse.ts"

interface Bounds {
  readonly from?: Instant.Bound | undefined
  readonly to?: Instant.Bound | undefined
  readonly end?: Instant.Bound | undefined
  readonly resume?: Instant.Bound | undefined
  readonly cuts?: ReadonlyArray<Instant.Bound> | undefined
}

export interface Asked {
  readonly from: Instant.Instant | undefined
  readonly to: Instant.Instant | undefined
  readonly end: Instant.Instant | undefined
  readonly resume: Instant.Instant | undefined
  readonly cuts: ReadonlyArray<Instant.Instant>
}

const requirement = "must be a time in ISO 8601, such as 2026-07-31T07:16:10Z"

export const read = ({ cuts = [], end, from, resume, to }: Bounds): Result.Result<Asked, AgniError> => {
  const wrong: Array<string> = []
  const instant = (name: string, bound: Instant.Bound): ReadonlyArray<Instant.Instant> => {
    const found = Instant.fromBound(bound)
    if (found !== undefined) return [found]
    wrong.push(name)
    return []
  }
  const perhaps = (name: string, bound: Instant.Bound | undefined) =>
    bound === undefined ? undefined : instant(name, bound)[0]
  const asked = {
    from: perhaps("from", from),
    to: perhaps("to", to),
    end: perhaps("end", end),
    resume: perhaps("resume", resume),
    cuts: cuts.flatMap((cut) => instant("cuts", cut))
  }
  return wrong[0] === undefined ? Result.succeed(asked) : Result.fail(mistake(wrong[0], requirement))
}

/** The bounds of a range that may be open, of which the first is the earlier one. */
export const range = (bounds: Pick<Bounds, "from" | "to">): Result.Result<Pick<Asked, "from" | "to">, AgniError> =>
  Result.flatMap(read(bounds), ({ from, to }) =>
    (from ?? -Infinity) >= (to ?? Infinity)
      ? Result.fail(mistake("from", "must be earlier than to"))
      : Result.succeed({ from, to })
  )

/** The bounds of a reading, which may begin where they end, if its options are right, too. */
export const reading = (bounds: Bounds, options: Parameters<typeof mistakeIn>[0]): Result.Result<Asked, AgniError> => {
  const wrong = mistakeIn(options)
  if (wrong !== undefined) return Result.fail(wrong)
  return Result.flatMap(read(bounds), (asked) =>
    (asked.from ?? -Infinity) > (asked.to ?? Infinity)
      ? Result.fail(mistake("from", "must not be later than to"))
      : Result.succeed(asked)
  )
}
