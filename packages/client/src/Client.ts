/**
 * A client for code without Effect: promises and `for await`.
 *
 * @since 0.1.0
 */
import type {
  Abortable,
  CallSession,
  CallSessionQuery,
  OnRejected,
  OwnKeys,
  Page,
  Selection,
  StreamOptions
} from "./CallTypes.ts"
import type { Change, ChangesOptions, LedgerStore } from "./ChangeTypes.ts"
import type { ClientOptions } from "./ClientOptions.ts"
import type { Reading, Window } from "./CoverageTypes.ts"
import * as Loops from "./internal/Loops.ts"
import * as Reads from "./internal/Reads.ts"

/**
 * Reads the calls of one organization. Nothing is asked before a loop begins; leaving the loop, or its signal, ends the
 * reading and its requests at once. While a loop waits, little is read ahead.
 *
 * Everything fails with an `AgniError`; `changes` also with a `LedgerError`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Client<Metadata = OwnKeys, Analysis = OwnKeys> {
  /** The selected calls one by one, each once, by start; `order` says from which end. */
  readonly sessions: (selection?: Selection & StreamOptions & OnRejected) => Reading<CallSession<Metadata, Analysis>>
  /** The same in windows of start time, each with its coverage. */
  readonly windows: (selection?: Selection & StreamOptions) => Reading<Window<Metadata, Analysis>>
  /** The calls that started last, newest first: as many as `limit`. Little more than these is read. */
  readonly newest: (
    options: Selection & OnRejected & { readonly limit: number }
  ) => Reading<CallSession<Metadata, Analysis>>
  /** The walk over page numbers, in the server's order, with any query. It proves nothing, and can miss a call. */
  readonly pages: (
    query?: CallSessionQuery & Abortable & { readonly concurrency?: number | undefined }
  ) => AsyncIterable<Page<Metadata, Analysis>>
  /** One page. */
  readonly list: (query?: CallSessionQuery & Abortable) => Promise<Page<Metadata, Analysis>>
  /**
   * What became of each call since the consumer acknowledged last, then one pass, or a pass `every` so often. A change that was
   * not acknowledged comes again.
   */
  readonly changes: (options: ChangesOptions) => AsyncIterable<Change<Metadata, Analysis>>
}

/**
 * Makes a client. Throws an `AgniError` when an option is wrong. There is nothing to close: what reads ends with its loop.
 *
 * @since 0.1.0
 * @category constructors
 */
export const createClient = <Metadata = OwnKeys, Analysis = OwnKeys>(
  options: ClientOptions<Metadata, Analysis>
): Client<Metadata, Analysis> => {
  const { context, reads } = Reads.make(options)
  return {
    sessions: (selection = {}) => Loops.each(context, reads.sessions(selection)),
    windows: (selection = {}) => Loops.each(context, reads.windows(selection)),
    newest: (selection) => Loops.each(context, reads.newest(selection)),
    pages: (query = {}) => Loops.each(context, reads.pages(query)),
    list: (query = {}) => Loops.once(context, reads.list(query), query.signal),
    changes: (options) => Loops.each(context, reads.changes(options))
  }
}

/**
 * A ledger that lasts as long as the program.
 *
 * @since 0.1.0
 * @category constructors
 */
export const memoryLedger = (): LedgerStore => {
  const kept = new Map<string, string>()
  return {
    read: () => Promise.resolve(kept),
    write: ({ put, remove }) => {
      for (const [key, value] of put) kept.set(key, value)
      for (const key of remove) kept.delete(key)
      return Promise.resolve()
    }
  }
}
