/** Where a job writes, so that no two of them write to one place. */
import { OutputFile } from "@callstream/core"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Database from "../option/Database.ts"
import * as Sinks from "../option/Sinks.ts"
import * as Target from "../option/Target.ts"
import type { UsageError } from "../option/UsageError.ts"

export interface Place {
  /** The job's sink that writes there, if one does. */
  readonly item: number | undefined
  readonly option: "to" | "deadLetters" | "coverage" | "recordings"
  readonly told: string
  /** Two outputs with equal keys are one place. */
  readonly key: string
  /** The paths of files that it makes beside that one. */
  readonly holds: ((path: string) => boolean) | undefined
  /** Several writers may share the place if all of them write this. */
  readonly shared: string | undefined
}

interface Outputs {
  readonly sinks: ReadonlyArray<Sinks.Planned>
  readonly deadLetters: string
  readonly coverage: string | undefined
  readonly recordings: { readonly folder: string } | undefined
}

const ofSinks = Effect.fnUntraced(function* (
  sinks: ReadonlyArray<Sinks.Planned>,
  rows: string
): Effect.fn.Return<ReadonlyArray<Place>, UsageError, FileSystem.FileSystem | Path.Path> {
  const { basename, dirname, resolve } = yield* Path.Path
  const places: Array<Place> = []
  for (const [item, sink] of sinks.entries()) {
    const { settings, target } = sink
    const at = (key: string, more: Partial<Place> = {}) =>
      places.push({ item, option: "to", told: Sinks.describe(sink), key, holds: undefined, shared: undefined, ...more })
    switch (target._tag) {
      case "Stdout":
        at("-", { told: "stdout" })
        break
      case "File": {
        const path = resolve(target.path)
        at(path)
        if (settings.rotate === undefined) {
          at(OutputFile.partialPath(path))
          break
        }
        const { isPart, manifest } = Target.namingOf(target)
        at(resolve(manifest), {
          holds: (other) => dirname(other) === dirname(path) && isPart(basename(other))
        })
        break
      }
      case "Object": {
        at(target.url)
        if (settings.rotate !== undefined) at(Target.namingOf(target).manifest)
        break
      }
      case "Table": {
        const { database } = target
        // A database file has many tables, and several pipelines may write the same rows to one table.
        if (database._tag === "Sqlite") at(resolve(database.path), { shared: "" })
        at(JSON.stringify([yield* Database.identity("to", database), ...Database.tableOf(database, settings)]), {
          shared: rows
        })
        break
      }
      case "Webhook":
        break
    }
  }
  return places
})

/** @param rows How the job makes rows of calls: equal texts mean equal rows. */
export const of = Effect.fnUntraced(function* (
  { coverage, deadLetters, recordings, sinks }: Outputs,
  rows: string
): Effect.fn.Return<ReadonlyArray<Place>, UsageError, FileSystem.FileSystem | Path.Path> {
  const { resolve } = yield* Path.Path
  const file = (option: Place["option"], path: string): Place => ({
    item: undefined,
    option,
    told: path,
    key: resolve(path),
    holds: undefined,
    shared: undefined
  })
  return [
    ...(yield* ofSinks(sinks, rows)),
    file("deadLetters", deadLetters),
    ...(recordings === undefined ? [] : [file("recordings", recordings.folder)]),
    ...(coverage === undefined ? [] : [file("coverage", coverage), file("coverage", OutputFile.partialPath(coverage))])
  ]
})

/** Whether the two would overwrite each other. */
export const collide = (one: Place, other: Place): boolean =>
  one.key === other.key
    ? one.shared === undefined || one.shared !== other.shared
    : one.holds?.(other.key) === true || other.holds?.(one.key) === true
