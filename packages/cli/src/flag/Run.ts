/** The flags that say how a run goes on, and what becomes of what cannot. */
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import * as Duration from "effect/Duration"
import * as Database from "./Database.ts"
import * as Figure from "./Figure.ts"
import * as Source from "./Source.ts"

const defaultFolder = ".callstream"

export const flags = {
  name: Flag.String("name").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("Keep the state of the run under this name: the same command goes on where it stopped"),
    Flag.filter(
      (name) => name.trim() !== "",
      () => "Expected: a name, such as nightly"
    ),
    Flag.optional
  ),
  state: Flag.String("state").pipe(
    Flag.withMetavar("DIR|DATABASE"),
    Flag.withDescription(
      "Where such states are: a folder, sqlite:state.db, or postgres:DATABASE_URL (default: .callstream)"
    ),
    Flag.withDefault(defaultFolder)
  ),
  commitEvery: Source.duration(
    "commit-every",
    "How often what was written is made safe and the state of the run kept, such as 5s (default: 1s)"
  ).pipe(Flag.withDefault(Duration.seconds(1))),
  onSinkFailure: Flag.Literals("on-sink-failure", ["stop", "continue"]).pipe(
    Flag.withDescription(
      "When one of several sinks fails for good: stop the run, or continue without it and exit with 3 (default: stop)"
    ),
    Flag.withDefault("stop")
  ),
  deadLetters: Flag.String("dead-letters").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Where records go that cannot go on (default: beside the first file, only when needed)"),
    Flag.optional
  ),
  maxDeadLetters: Figure.decimal(
    "max-dead-letters",
    (value) => value >= 0 && value <= 100,
    "a percentage from 0 to 100",
    "Stop when more than this percentage of at least 100 records cannot go on (default: 10)"
  ).pipe(Flag.withDefault(10)),
  explain: Flag.Boolean("explain").pipe(
    Flag.withDescription("Only tell what is promised of each sink, and why; nothing is read"),
    Flag.withDefault(false)
  )
}

/** Where states are kept: a database has no folder for what waits for a webhook, so that is where it always is. */
export interface State {
  readonly folder: string
  readonly database: Database.Database | undefined
}

export const stateOf = ({ state }: { readonly state: string }): State => {
  const database = Option.getOrUndefined(Database.parse(state))
  return { folder: database === undefined ? state : defaultFolder, database }
}
