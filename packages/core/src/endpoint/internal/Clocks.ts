/** What time it is, when clocks disagree. */
import { earliestStart } from "../../model/Limits.ts"
import type * as Ask from "./Ask.ts"
import type { Micros } from "./Micros.ts"

const minute = 60_000_000
const day = 1440 * minute

/** A difference that is reported. */
export const notable = 2 * minute

/** A server's clock that is further ahead of this machine's is ignored. */
export const credible = 5 * minute

export interface Clocks {
  readonly local: Micros
  /** The earliest and the latest that may be right. */
  readonly earliest: Micros
  readonly latest: Micros
  /** How far the server's clock is from this machine's, in µs. */
  readonly apart: number
}

export const make = (
  machine: Micros,
  // Of answers that a cache held nothing says when they were made but their own time.
  {
    latest,
    observedAt,
    slowest = observedAt
  }: Pick<Ask.Log, "latest" | "observedAt"> & { readonly slowest?: Micros | undefined }
): Clocks => {
  // A machine whose clock is earlier has none that runs: then there is only the server's.
  const local = machine < earliestStart ? (latest ?? machine) : machine
  return {
    local,
    earliest: Math.min(local, observedAt ?? local),
    latest: latest !== undefined && latest <= local + credible ? Math.max(local, latest) : local,
    apart: Math.max(Math.abs((latest ?? local) - local), Math.abs((slowest ?? local) - local))
  }
}

/** The end of a range without one: a call that starts later had a broken clock, and is delivered without a start time. */
export const openEnd = ({ latest }: Clocks): Micros => Math.ceil(latest / 1_000_000) * 1_000_000 + day

export const describe = ({ apart }: Clocks): string =>
  `the server's clock and this machine's are ${Math.round(apart / 60_000_000)} min apart: the earlier one decides what may be called proven`
