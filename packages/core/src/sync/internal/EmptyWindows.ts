/** Windows that are proven to be empty: those beside one another are noted together, because each note is a transaction. */
import type * as Coverage from "../../history/Coverage.ts"
import * as CallRows from "../../model/Rows.ts"
import type { Span } from "../Ledger.ts"
import type { SyncState } from "./SyncState.ts"

type Next = (state: SyncState) => SyncState

export interface EmptyWindows {
  readonly range: Span
  readonly requests: number
  /** What they prove. */
  readonly next: Next
}

export const isOne = ({ coverage, extra, from, rejected, rows, to }: Coverage.Window): boolean =>
  coverage._tag === "Proven" &&
  from < to &&
  rejected.length === 0 &&
  extra === undefined &&
  CallRows.items(rows).length === 0

/** What took more requests is noted: a pass that ends loses few of them, and it ends after a look where a day has none left. */
const most = 100

export const isFull = ({ requests }: EmptyWindows, maxRequests: number = Infinity): boolean =>
  requests >= Math.min(most, maxRequests / 20)

/** With one more; nothing where that is elsewhere. */
export const add = (
  held: EmptyWindows | undefined,
  { from, requests, to }: Coverage.Window,
  next: Next
): EmptyWindows | undefined =>
  held === undefined
    ? { range: { from, to }, requests, next }
    : held.range.to !== from
      ? undefined
      : {
          range: { from: held.range.from, to },
          requests: held.requests + requests,
          next: (state) => next(held.next(state))
        }
