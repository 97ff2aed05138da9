import * as $protobuf from "protobufjs";
import type Long from "long";
export namespace retile {

    namespace wire {

        namespace v1 {

            interface IDriver {
                version?: (string|null);
                sha256?: (Uint8Array|null);
            }

            class Driver implements IDriver {
                constructor(properties?: retile.wire.v1.IDriver);
                public version: string;
                public sha256: Uint8Array;
                public static create(properties?: retile.wire.v1.IDriver): retile.wire.v1.Driver;
                public static encode(message: retile.wire.v1.IDriver, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.Driver;
            }

            interface IEnrolRequest {
                tenant?: (string|null);
                device?: (string|null);
                publicKey?: (Uint8Array|null);
                soc?: (string|null);
                agentVersion?: (string|null);
                token?: (string|null);
            }

            class EnrolRequest implements IEnrolRequest {
                constructor(properties?: retile.wire.v1.IEnrolRequest);
                public tenant: string;
                public device: string;
                public publicKey: Uint8Array;
                public soc: string;
                public agentVersion: string;
                public token: string;
                public static create(properties?: retile.wire.v1.IEnrolRequest): retile.wire.v1.EnrolRequest;
                public static encode(message: retile.wire.v1.IEnrolRequest, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.EnrolRequest;
            }

            interface IEnrolReply {
                keyId?: (string|null);
                reportEpoch?: (number|Long|null);
                pollIntervalSeconds?: (number|null);
                serverTimeMs?: (number|Long|null);
            }

            class EnrolReply implements IEnrolReply {
                constructor(properties?: retile.wire.v1.IEnrolReply);
                public keyId: string;
                public reportEpoch: (number|Long);
                public pollIntervalSeconds: number;
                public serverTimeMs: (number|Long);
                public static create(properties?: retile.wire.v1.IEnrolReply): retile.wire.v1.EnrolReply;
                public static encode(message: retile.wire.v1.IEnrolReply, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.EnrolReply;
            }

            interface ICheckInRequest {
                tenant?: (string|null);
                device?: (string|null);
                soc?: (string|null);
                agentVersion?: (string|null);
                current?: (retile.wire.v1.IDriver|null);
                previous?: (retile.wire.v1.IDriver|null);
                recovery?: (retile.wire.v1.IDriver|null);
                metadata?: (retile.wire.v1.IMetadataVersions|null);
                models?: (retile.wire.v1.IModel[]|null);
                reportEpoch?: (number|Long|null);
                acknowledgedSequence?: (number|Long|null);
                assignmentEpoch?: (number|Long|null);
                assignmentSequence?: (number|Long|null);
                sandbox?: (retile.wire.v1.SandboxLevel|null);
                refusedOrder?: (string|null);
                assignmentSha256?: (Uint8Array|null);
            }

            class CheckInRequest implements ICheckInRequest {
                constructor(properties?: retile.wire.v1.ICheckInRequest);
                public tenant: string;
                public device: string;
                public soc: string;
                public agentVersion: string;
                public current?: (retile.wire.v1.IDriver|null);
                public previous?: (retile.wire.v1.IDriver|null);
                public recovery?: (retile.wire.v1.IDriver|null);
                public metadata?: (retile.wire.v1.IMetadataVersions|null);
                public models: retile.wire.v1.IModel[];
                public reportEpoch: (number|Long);
                public acknowledgedSequence: (number|Long);
                public assignmentEpoch: (number|Long);
                public assignmentSequence: (number|Long);
                public sandbox: retile.wire.v1.SandboxLevel;
                public refusedOrder: string;
                public assignmentSha256: Uint8Array;
                public static create(properties?: retile.wire.v1.ICheckInRequest): retile.wire.v1.CheckInRequest;
                public static encode(message: retile.wire.v1.ICheckInRequest, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.CheckInRequest;
            }

            enum SandboxLevel {
                SANDBOX_LEVEL_UNSPECIFIED = 0,
                SANDBOX_LEVEL_DEGRADED = 1,
                SANDBOX_LEVEL_STRONG = 2
            }

            interface IMetadataVersions {
                root?: (number|Long|null);
                timestamp?: (number|Long|null);
                snapshot?: (number|Long|null);
                targets?: (number|Long|null);
            }

            class MetadataVersions implements IMetadataVersions {
                constructor(properties?: retile.wire.v1.IMetadataVersions);
                public root: (number|Long);
                public timestamp: (number|Long);
                public snapshot: (number|Long);
                public targets: (number|Long);
                public static create(properties?: retile.wire.v1.IMetadataVersions): retile.wire.v1.MetadataVersions;
                public static encode(message: retile.wire.v1.IMetadataVersions, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.MetadataVersions;
            }

            interface IModel {
                model?: (string|null);
                sha256?: (Uint8Array|null);
            }

            class Model implements IModel {
                constructor(properties?: retile.wire.v1.IModel);
                public model: string;
                public sha256: Uint8Array;
                public static create(properties?: retile.wire.v1.IModel): retile.wire.v1.Model;
                public static encode(message: retile.wire.v1.IModel, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.Model;
            }

            interface ICheckInReply {
                assignment?: (Uint8Array|null);
                hold?: (retile.wire.v1.IHold|null);
                pollIntervalSeconds?: (number|null);
                directorEpoch?: (number|Long|null);
                explanation?: (string|null);
                serverTimeMs?: (number|Long|null);
            }

            class CheckInReply implements ICheckInReply {
                constructor(properties?: retile.wire.v1.ICheckInReply);
                public assignment?: (Uint8Array|null);
                public hold?: (retile.wire.v1.IHold|null);
                public pollIntervalSeconds: number;
                public directorEpoch: (number|Long);
                public explanation: string;
                public serverTimeMs: (number|Long);
                public decision?: ("assignment"|"hold");
                public static create(properties?: retile.wire.v1.ICheckInReply): retile.wire.v1.CheckInReply;
                public static encode(message: retile.wire.v1.ICheckInReply, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.CheckInReply;
            }

            interface IHold {
                code?: (string|null);
            }

            class Hold implements IHold {
                constructor(properties?: retile.wire.v1.IHold);
                public code: string;
                public static create(properties?: retile.wire.v1.IHold): retile.wire.v1.Hold;
                public static encode(message: retile.wire.v1.IHold, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.Hold;
            }

            interface ISignedReportBatch {
                payload?: (Uint8Array|null);
                keyId?: (string|null);
                signature?: (Uint8Array|null);
            }

            class SignedReportBatch implements ISignedReportBatch {
                constructor(properties?: retile.wire.v1.ISignedReportBatch);
                public payload: Uint8Array;
                public keyId: string;
                public signature: Uint8Array;
                public static create(properties?: retile.wire.v1.ISignedReportBatch): retile.wire.v1.SignedReportBatch;
                public static encode(message: retile.wire.v1.ISignedReportBatch, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.SignedReportBatch;
            }

            interface IReportBatch {
                tenant?: (string|null);
                device?: (string|null);
                epoch?: (number|Long|null);
                firstSequence?: (number|Long|null);
                reports?: (retile.wire.v1.IReport[]|null);
            }

            class ReportBatch implements IReportBatch {
                constructor(properties?: retile.wire.v1.IReportBatch);
                public tenant: string;
                public device: string;
                public epoch: (number|Long);
                public firstSequence: (number|Long);
                public reports: retile.wire.v1.IReport[];
                public static create(properties?: retile.wire.v1.IReportBatch): retile.wire.v1.ReportBatch;
                public static encode(message: retile.wire.v1.IReportBatch, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.ReportBatch;
            }

            interface IReport {
                deviceTimeMs?: (number|Long|null);
                rollout?: (string|null);
                soc?: (string|null);
                from?: (retile.wire.v1.IDriver|null);
                to?: (retile.wire.v1.IDriver|null);
                modelOutcome?: (retile.wire.v1.IModelOutcome|null);
                lifecycle?: (retile.wire.v1.ILifecycle|null);
            }

            class Report implements IReport {
                constructor(properties?: retile.wire.v1.IReport);
                public deviceTimeMs: (number|Long);
                public rollout: string;
                public soc: string;
                public from?: (retile.wire.v1.IDriver|null);
                public to?: (retile.wire.v1.IDriver|null);
                public modelOutcome?: (retile.wire.v1.IModelOutcome|null);
                public lifecycle?: (retile.wire.v1.ILifecycle|null);
                public body?: ("modelOutcome"|"lifecycle");
                public static create(properties?: retile.wire.v1.IReport): retile.wire.v1.Report;
                public static encode(message: retile.wire.v1.IReport, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.Report;
            }

            interface IModelOutcome {
                model?: (string|null);
                modelSha256?: (Uint8Array|null);
                temperatureCelsius?: (number|null);
                kept?: (retile.wire.v1.IMeasured|null);
                refusedSlower?: (retile.wire.v1.IMeasured|null);
                refusedWrong?: (retile.wire.v1.IMeasured|null);
                failed?: (retile.wire.v1.IFailed|null);
            }

            class ModelOutcome implements IModelOutcome {
                constructor(properties?: retile.wire.v1.IModelOutcome);
                public model: string;
                public modelSha256: Uint8Array;
                public temperatureCelsius: number;
                public kept?: (retile.wire.v1.IMeasured|null);
                public refusedSlower?: (retile.wire.v1.IMeasured|null);
                public refusedWrong?: (retile.wire.v1.IMeasured|null);
                public failed?: (retile.wire.v1.IFailed|null);
                public verdict?: ("kept"|"refusedSlower"|"refusedWrong"|"failed");
                public static create(properties?: retile.wire.v1.IModelOutcome): retile.wire.v1.ModelOutcome;
                public static encode(message: retile.wire.v1.IModelOutcome, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.ModelOutcome;
            }

            interface IMeasured {
                beforeCycles?: (number|Long|null);
                afterCycles?: (number|Long|null);
                beforeMicroseconds?: (number|null);
                afterMicroseconds?: (number|null);
                outputSnrDb?: (number|null);
            }

            class Measured implements IMeasured {
                constructor(properties?: retile.wire.v1.IMeasured);
                public beforeCycles: (number|Long);
                public afterCycles: (number|Long);
                public beforeMicroseconds: number;
                public afterMicroseconds: number;
                public outputSnrDb: number;
                public static create(properties?: retile.wire.v1.IMeasured): retile.wire.v1.Measured;
                public static encode(message: retile.wire.v1.IMeasured, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.Measured;
            }

            interface IFailed {
                code?: (string|null);
                message?: (string|null);
            }

            class Failed implements IFailed {
                constructor(properties?: retile.wire.v1.IFailed);
                public code: string;
                public message: string;
                public static create(properties?: retile.wire.v1.IFailed): retile.wire.v1.Failed;
                public static encode(message: retile.wire.v1.IFailed, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.Failed;
            }

            interface ILifecycle {
                stage?: (retile.wire.v1.Stage|null);
                failed?: (retile.wire.v1.IFailed|null);
            }

            class Lifecycle implements ILifecycle {
                constructor(properties?: retile.wire.v1.ILifecycle);
                public stage: retile.wire.v1.Stage;
                public failed?: (retile.wire.v1.IFailed|null);
                public static create(properties?: retile.wire.v1.ILifecycle): retile.wire.v1.Lifecycle;
                public static encode(message: retile.wire.v1.ILifecycle, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.Lifecycle;
            }

            enum Stage {
                STAGE_UNSPECIFIED = 0,
                STAGE_ACCEPTED = 1,
                STAGE_INSTALLED = 2,
                STAGE_COMPILED = 3,
                STAGE_MEASURED = 4,
                STAGE_COMMITTED = 5,
                STAGE_INSTALL_FAILED = 6,
                STAGE_ROLLED_BACK = 7
            }

            interface IReportAck {
                epoch?: (number|Long|null);
                acknowledgedSequence?: (number|Long|null);
            }

            class ReportAck implements IReportAck {
                constructor(properties?: retile.wire.v1.IReportAck);
                public epoch: (number|Long);
                public acknowledgedSequence: (number|Long);
                public static create(properties?: retile.wire.v1.IReportAck): retile.wire.v1.ReportAck;
                public static encode(message: retile.wire.v1.IReportAck, writer?: $protobuf.Writer): $protobuf.Writer;
                public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.wire.v1.ReportAck;
            }
        }
    }
}
