/** Where the ledger of a sync is kept: a SQLite file a name, or a database. */
import { type CheckpointError, Ledger, LedgerError } from "@callstream/core"
import { NodeProcessOwner } from "@callstream/node"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Database from "../option/Database.ts"
import type * as Run from "../option/RunOptions.ts"
import type { UsageError } from "../option/UsageError.ts"
import * as StateFolder from "./StateFolder.ts"

const extension = ".db"

/** Small letters, digits, `_` and `-` stay: every other byte is `%xx`, so no name leaves the folder. */
const fileOf = (name: string): string =>
  Array.from(new TextEncoder().encode(name), (byte) => {
    const character = String.fromCharCode(byte)
    return /[a-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`
  }).join("")

const ledgerOf = (database: Database.Database) =>
  Effect.map(Database.ledger(database), Layer.provide(NodeProcessOwner.layer))

type Place = Effect.Effect<
  Layer.Layer<Ledger>,
  UsageError | CheckpointError | LedgerError,
  FileSystem.FileSystem | Path.Path
>

/** The ledger of a run. Its folder is made for its owner only. */
export const layer = (name: string, { database, folder }: Run.State): Place =>
  database === undefined
    ? Effect.gen(function* () {
        const paths = yield* Path.Path
        const fs = yield* FileSystem.FileSystem
        const path = paths.join(folder, `${fileOf(name)}${extension}`)
        const checkpoint = paths.join(folder, `${fileOf(name)}.json`)
        if (yield* Effect.orElseSucceed(fs.exists(checkpoint), () => false)) {
          return yield* new LedgerError({ reason: { _tag: "OfExport", name } })
        }
        yield* StateFolder.make(folder)
        return yield* ledgerOf({ _tag: "Sqlite", path })
      })
    : ledgerOf(database)

/** The ledgers that are there, each place once. Makes nothing. */
export const all = Effect.fnUntraced(function* ({ database, folder }: Run.State, name: string | undefined) {
  if (database !== undefined) return [yield* ledgerOf(database)]
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const found = yield* Effect.orElseSucceed(fs.readDirectory(folder), (): Array<string> => [])
  const wanted = name === undefined ? undefined : `${fileOf(name)}${extension}`
  const files = found.filter((file) => file.endsWith(extension) && (wanted === undefined || file === wanted)).sort()
  return yield* Effect.forEach(files, (file) => ledgerOf({ _tag: "Sqlite", path: paths.join(folder, file) }))
})

/** The names of the syncs that are there. */
export const names = Effect.fnUntraced(function* (state: Run.State) {
  const each = yield* Effect.forEach(yield* all(state, undefined), (layer) =>
    Effect.provide(
      Effect.flatMap(Ledger, (ledger) => ledger.names),
      layer
    )
  )
  return each.flat().sort()
})
