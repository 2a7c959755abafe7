/**
 * The program of a process in which commands run one after another, each as a message says: `Hosts.ts` starts it. Nearly
 * all of the time that a command takes by itself is Node's start and loading Effect, which happen here once.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { main } from "../src/Cli.ts"
import { Screen } from "../src/render/Screen.ts"

export interface Task {
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** Written on both outputs when the command has ended. */
  readonly end: string
}

// Each command listens for errors of its outputs.
process.stdout.setMaxListeners(0)
process.stderr.setMaxListeners(0)

/** What a new process would have. */
const ofProcess = Layer.suspend(() =>
  Layer.mergeAll(
    Screen.layer,
    NodeServices.layer,
    Layer.succeed(Metric.MetricRegistry, new Map()),
    ConfigProvider.layer(Effect.sync(() => ConfigProvider.fromEnv()))
  )
)

const run = async ({ args, cwd, end, env }: Task): Promise<void> => {
  process.chdir(cwd)
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name]
  Object.assign(process.env, env)
  const code = await Effect.runPromise(Effect.provide(main(args), ofProcess))
  process.stdout.write(end)
  process.stderr.write(end, () => process.send?.(code))
}

process.on("message", (task: Task) => void run(task))
