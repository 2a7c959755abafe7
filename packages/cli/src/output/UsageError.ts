/** What the person who typed the command can mend, told before anything ran: exit code 2. */
import * as Schema from "effect/Schema"

export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", {
  problem: Schema.String,
  advice: Schema.optionalKey(Schema.String),
  /** Where in what the flag says, which the problem begins with: the item of several, by number or text, and what in it. */
  place: Schema.optionalKey(
    Schema.Struct({
      item: Schema.Union([Schema.String, Schema.Int]),
      key: Schema.optionalKey(Schema.String),
      begin: Schema.optionalKey(Schema.Int),
      end: Schema.optionalKey(Schema.Int)
    })
  )
}) {
  override get message(): string {
    return this.problem
  }
}

/** The run came to its end, but not everything is as it should be: exit code 3. What is missing was told before. */
export class Incomplete extends Schema.TaggedError<Incomplete>()("Incomplete", {}) {}

/** Several pipelines ended, and each told how: this is the exit code of all together. */
export class Told extends Schema.TaggedError<Told>()("Told", { exitCode: Schema.Int }) {}
