/**
 * The client in arrays, for packages that put it under another kind of stream. It may change in any version.
 *
 * @since 0.1.0
 */
import type { CallSession, OnRejected, OwnKeys, Selection, StreamOptions } from "./CallTypes.ts"
import type { Change, ChangesOptions } from "./ChangeTypes.ts"
import type { Client } from "./Client.ts"
import type { ClientOptions } from "./ClientOptions.ts"
import type { Reading } from "./CoverageTypes.ts"
import * as Loops from "./internal/Loops.ts"
import * as Reads from "./internal/Reads.ts"

/**
 * The methods of `Client`; where that gives calls or changes one by one, this gives those of a window or of a look at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface Bridge<Metadata = OwnKeys, Analysis = OwnKeys> extends Pick<
  Client<Metadata, Analysis>,
  "windows" | "pages" | "list"
> {
  readonly sessions: (
    selection?: Selection & StreamOptions & OnRejected
  ) => Reading<ReadonlyArray<CallSession<Metadata, Analysis>>>
  readonly newest: (
    options: Selection & OnRejected & { readonly limit: number }
  ) => Reading<ReadonlyArray<CallSession<Metadata, Analysis>>>
  readonly changes: (options: ChangesOptions) => AsyncIterable<ReadonlyArray<Change<Metadata, Analysis>>>
}

/**
 * Makes a bridge, as `createClient` makes a client.
 *
 * @since 0.1.0
 * @category constructors
 */
export const createBridge = <Metadata = OwnKeys, Analysis = OwnKeys>(
  options: ClientOptions<Metadata, Analysis>
): Bridge<Metadata, Analysis> => {
  const { context, reads } = Reads.make(options)
  return {
    sessions: (selection = {}) => Loops.arrays(context, reads.sessions(selection)),
    windows: (selection = {}) => Loops.each(context, reads.windows(selection)),
    newest: (selection) => Loops.arrays(context, reads.newest(selection)),
    pages: (query = {}) => Loops.each(context, reads.pages(query)),
    list: (query = {}) => Loops.once(context, reads.list(query), query.signal),
    changes: (options) => Loops.arrays(context, reads.changes(options))
  }
}
