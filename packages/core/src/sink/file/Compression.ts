/**
 * The contract of a compression whose files can be cut.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/**
 * Makes members: each is a whole compressed file, and so are several one after another. A run can resume a file only at the
 * end of a member.
 *
 * @since 0.1.0
 * @category models
 */
export interface Compression {
  /** What a file's name ends with, such as `.gz`. */
  readonly extension: string
  /** One member; also of the empty text. */
  readonly encode: (text: string) => Effect.Effect<Uint8Array>
  /** Whether the pieces of a file are whole members one after another, and nothing else; that a file was cut is known by its length. Keeps none of them. */
  readonly verify: <E>(pieces: Stream.Stream<Uint8Array, E>) => Effect.Effect<boolean, E>
  /** Rows that a member holds at least, unless it is the last before a flush: small members compress badly. */
  readonly rowsPerMember: number
}
