/** The commands with their options, in the sections in which they are documented. */
import type * as Command from "effect/cli/Command"
import * as Check from "../../src/command/CheckCommand.ts"
import * as Demo from "../../src/command/DemoCommand.ts"
import * as Export from "../../src/command/ExportCommand.ts"
import * as Get from "../../src/command/GetCommand.ts"
import * as Init from "../../src/command/InitCommand.ts"
import * as Plan from "../../src/command/PlanCommand.ts"
import * as Replay from "../../src/command/ReplayCommand.ts"
import * as Report from "../../src/command/ReportCommand.ts"
import * as Run from "../../src/command/RunCommand.ts"
import * as Resync from "../../src/command/ResyncCommand.ts"
import * as Status from "../../src/command/StatusCommand.ts"
import * as Sync from "../../src/command/SyncCommand.ts"
import * as Simulate from "../../src/command/SimulateCommand.ts"
import * as Runs from "../../src/command/RunsCommand.ts"
import * as Worker from "../../src/command/WorkerCommand.ts"
import * as Validate from "../../src/command/ValidateCommand.ts"
import type * as Declared from "../../src/option/Declared.ts"
import * as ReportOptions from "../../src/option/ReportOptions.ts"
import * as Options from "../../src/option/Options.ts"

export interface Section {
  readonly id: string
  readonly title: string
  readonly options: Declared.Group
  /** A pipeline file has them too. */
  readonly inFiles: boolean
}

interface Documented {
  readonly name: string
  readonly command: Pick<Command.Command.Any, "description" | "examples">
  readonly arguments: string
  readonly sections: ReadonlyArray<Section>
}

const shared = (id: string, title: string, options: Declared.Group): Section => ({ id, title, options, inFiles: true })
const own = (id: string, title: string, options: Declared.Group): Section => ({ id, title, options, inFiles: false })

export const commands: ReadonlyArray<Documented> = [
  {
    name: "export",
    command: Export.exportCommand,
    arguments: "",
    sections: [
      shared("selection", "Which calls", Options.selection),
      shared("reading", "How they are read", Options.reading),
      shared("transforms", "What happens to them", Options.transforms),
      shared("sinks", "Where they go", { to: Options.to, ...Options.sink }),
      shared("run", "How a run resumes, and what happens to rejected records", Options.run),
      own("export", "What is reported", { ...Export.reporting, ...Export.only }),
      shared("connection", "How the API is reached", Options.connection)
    ]
  },
  {
    name: "sync",
    command: Sync.syncCommand,
    arguments: "",
    sections: [shared("sync", "How sinks are kept up to date", Options.sync)]
  },
  {
    name: "status",
    command: Status.statusCommand,
    arguments: "[NAME]",
    sections: [own("status", "Flags", Status.options)]
  },
  { name: "why", command: Status.whyCommand, arguments: "ID", sections: [own("why", "Flags", Status.whyOptions)] },
  {
    name: "resync",
    command: Resync.resyncCommand,
    arguments: "[NAME|FILE]",
    sections: [own("resync", "The range", Resync.range)]
  },
  {
    name: "get",
    command: Get.getCommand,
    arguments: "ID...",
    sections: [own("get", "Flags", Get.options)]
  },
  {
    name: "run",
    command: Run.runCommand,
    arguments: "FILE",
    sections: [
      own("run-command", "Flags", Run.options),
      own("run-overrides", "Flags in place of keys of the file", Run.overriding)
    ]
  },
  {
    name: "worker",
    command: Worker.workerCommand,
    arguments: "",
    sections: [own("worker", "Flags", Worker.options)]
  },
  {
    name: "runs",
    command: Runs.runsCommand,
    arguments: "[NAME]",
    sections: [own("runs", "Flags", Runs.options)]
  },
  {
    name: "runs cancel",
    command: Runs.cancelCommand,
    arguments: "NAME",
    sections: [own("runs-cancel", "Flags", Runs.changing)]
  },
  { name: "runs retry", command: Runs.retryCommand, arguments: "NAME", sections: [] },
  { name: "validate", command: Validate.validateCommand, arguments: "FILE...", sections: [] },
  { name: "init", command: Init.initCommand, arguments: "[FILE]", sections: [own("init", "Flags", Init.options)] },
  {
    name: "report",
    command: Report.reportCommand,
    arguments: "",
    sections: [
      own("report-calls", "Which calls", ReportOptions.calls),
      own("report-output", "What becomes of them", ReportOptions.output),
      own("report-reading", "How the API is read", ReportOptions.reading)
    ]
  },
  { name: "plan", command: Plan.planCommand, arguments: "", sections: [own("plan", "Of a sync", Plan.own)] },
  { name: "replay", command: Replay.replayCommand, arguments: "FILE", sections: [own("replay", "Flags", Replay.own)] },
  { name: "check", command: Check.checkCommand, arguments: "", sections: [own("check", "Flags", Check.options)] },
  {
    name: "simulate",
    command: Simulate.simulateCommand,
    arguments: "",
    sections: [own("simulate", "Flags", Simulate.options)]
  },
  { name: "demo", command: Demo.demoCommand, arguments: "", sections: [own("demo", "Flags", Demo.options)] }
]
