/** Processes that run commands to their end, one after another: see `CommandHost.ts`. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import * as Bundle from "./Bundle.ts"
import type { Task } from "./CommandHost.ts"
import { youngHeap } from "./YoungHeap.ts"

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** As many wait for the next command, as many as tests run side by side. Others end: each takes 100 MB. */
const mostIdle = 3
const idle: Array<ChildProcess> = []

const start = async (): Promise<ChildProcess> => {
  const host = spawn(process.execPath, [...youngHeap, await Bundle.host()], {
    env: { NODE_COMPILE_CACHE: Bundle.compileCache() },
    stdio: ["ignore", "pipe", "pipe", "ipc"]
  })
  host.stdout?.setEncoding("utf8")
  host.stderr?.setEncoding("utf8")
  return host
}

/** A host that waits does not hold up the end of this process. It ends with it. */
const rest = (host: ChildProcess): void => {
  host.unref()
  host.channel?.unref()
}

const run = async (host: ChildProcess, task: Omit<Task, "end">): Promise<Ran> => {
  const end = `\u0000${randomUUID()}`
  const read = (stream: ChildProcess["stdout"]): Promise<string> =>
    new Promise((resolve) => {
      let text = ""
      const take = (more: string): void => {
        text += more
        if (!text.endsWith(end)) return
        stream?.off("data", take)
        resolve(text.slice(0, -end.length))
      }
      stream?.on("data", take)
    })
  const over = new AbortController()
  const lost = once(host, "exit", over).then(([code, signal]) => {
    throw new Error(`the host of ${task.args.join(" ")} ended: ${code ?? signal}`)
  })
  const answers = [read(host.stdout), read(host.stderr), once(host, "message", over)] as const
  host.send({ ...task, end } satisfies Task)
  try {
    const [stdout, stderr, [code]] = await Promise.race([Promise.all(answers), lost])
    return { code, stdout, stderr }
  } finally {
    over.abort()
  }
}

/** Runs a command in an idle host, or a new one. One whose command was interrupted is killed. */
export const command = (task: Omit<Task, "end">): Effect.Effect<Ran> =>
  Effect.acquireUseRelease(
    Effect.promise(async () => idle.pop() ?? (await start())),
    (host) => Effect.promise(() => run(host, task)),
    (host, exit) =>
      Effect.sync(() => {
        if (Exit.isFailure(exit) || idle.length >= mostIdle) return void host.kill("SIGKILL")
        rest(host)
        idle.push(host)
      })
  )
