/** The engine of workflows and the queue, both in one PostgreSQL database, without a port: messages are polled. */
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import type { MessageStorage } from "effect/cluster/MessageStorage"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import type { RunnerStorage } from "effect/cluster/RunnerStorage"
import * as Runners from "effect/cluster/Runners"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Digest from "effect/crypto/Digest"
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { SqlClient } from "effect/sql/SqlClient"
import type { WorkflowEngine } from "effect/workflow/WorkflowEngine"

export interface Options {
  readonly fleet: string
  /** Of this process, and of no other one. */
  readonly worker: string
}

/** Of all tables of the engine: fleets with different names share no table, and no lock. */
export const prefixOf = (fleet: string): string => `callstream_${fleet}`

/** How long a worker that was killed keeps what it had. Takeover takes about as long. */
export const lockExpiration = Duration.seconds(7)
export const lockRefresh = Duration.seconds(2)

export type Engine = WorkflowEngine | Sharding.Sharding | MessageStorage | RunnerStorage

export const layer = ({ fleet, worker }: Options): Layer.Layer<Engine, never, SqlClient> => {
  const prefix = prefixOf(fleet)
  const config = ShardingConfig.layer({
    // A name only: nobody connects to it.
    runnerAddress: Option.some(RunnerAddress.make(worker, 1)),
    shardsPerGroup: 60,
    shardLockExpiration: lockExpiration,
    shardLockRefreshInterval: lockRefresh,
    refreshAssignmentsInterval: Duration.seconds(2),
    // Nobody waits for a message: they begin and end what the tables say already.
    entityMessagePollInterval: Duration.seconds(4),
    entityTerminationTimeout: Duration.seconds(1),
    simulateRemoteSerialization: false
  })
  return ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(Sharding.layer),
    Layer.provide(Runners.layerNoop),
    Layer.provideMerge(SqlMessageStorage.layerWith({ prefix }).pipe(Layer.provide(Digest.layerWebCrypto))),
    Layer.provideMerge(Layer.orDie(SqlRunnerStorage.layerWith({ prefix }))),
    Layer.provide(RunnerHealth.layerNoop),
    Layer.provide(config)
  )
}
