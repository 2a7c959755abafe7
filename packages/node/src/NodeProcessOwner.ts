/**
 * Which process holds a lock, and whether it still lives, on Node.
 *
 * @since 0.1.0
 */
import { type Owner, ProcessOwner, type Verdict } from "@callstream/core/checkpoint/ProcessOwner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createHmac } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"

/**
 * This process, identified by what Linux says in `/proc`. Elsewhere there is the process id only: an owner counts as
 * alive as long as any process has its id.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<ProcessOwner> = Layer.sync(ProcessOwner, () => {
  const self = describe()
  return { self, judge: (owner) => Effect.sync(() => judge(self, owner)) }
})

/**
 * What `self` knows of `owner`.
 *
 * @since 0.1.0
 * @category checks
 */
export const judge = (self: Owner, owner: Owner): Verdict => {
  if (owner.host !== self.host || differ(owner.machine, self.machine)) return "elsewhere"
  if (differ(owner.boot, self.boot)) return "gone"
  // Another container on this machine, whose processes cannot be seen from here.
  if (owner.space !== self.space) return "elsewhere"
  if (!exists(owner.pid)) return "gone"
  const stat = statOf(owner.pid)
  // One that was killed and that nobody has asked for since still has its id.
  if (stat !== undefined && ["Z", "X"].includes(stat.state)) return "gone"
  return differ(owner.start, stat?.start) ? "gone" : "alive"
}

const differ = (left: string | undefined, right: string | undefined) =>
  left !== undefined && right !== undefined && left !== right

const describe = (): Owner => {
  const machine = attempt(() => readFileSync("/etc/machine-id", "utf8").trim())
  const boot = attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim())
  const space = attempt(() => readlinkSync("/proc/self/ns/pid"))
  const start = statOf(process.pid)?.start
  return {
    host: hostname(),
    pid: process.pid,
    // The id itself is not meant to be handed around.
    ...(machine && { machine: createHmac("sha256", machine).update("callstream").digest("hex").slice(0, 16) }),
    ...(boot && { boot }),
    ...(space && { space }),
    ...(start && { start })
  }
}

const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Whatever else is said (not permitted), there is a process.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH")
  }
}

/** The third field and the 22nd; the second is a name in parentheses that may hold anything. */
const statOf = (pid: number) =>
  attempt(() => {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
    const state = fields[0]
    const start = fields[19]
    return state === undefined || start === undefined ? undefined : { state, start }
  })

const attempt = <A>(read: () => A): A | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}
