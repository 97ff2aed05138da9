import * as $protobuf from "protobufjs";
import type Long from "long";
export namespace retile {

    namespace abi {

        interface IRequest {
            id?: (number|null);
            describe?: (retile.abi.IDescribe|null);
            compile?: (retile.abi.ICompile|null);
            reference?: (retile.abi.IReference|null);
            cancel?: (retile.abi.ICancel|null);
        }

        class Request implements IRequest {
            constructor(properties?: retile.abi.IRequest);
            public id: number;
            public describe?: (retile.abi.IDescribe|null);
            public compile?: (retile.abi.ICompile|null);
            public reference?: (retile.abi.IReference|null);
            public cancel?: (retile.abi.ICancel|null);
            public call?: ("describe"|"compile"|"reference"|"cancel");
            public static create(properties?: retile.abi.IRequest): retile.abi.Request;
            public static encode(message: retile.abi.IRequest, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Request;
        }

        interface IDescribe {
        }

        class Describe implements IDescribe {
            constructor(properties?: retile.abi.IDescribe);
            public static create(properties?: retile.abi.IDescribe): retile.abi.Describe;
            public static encode(message: retile.abi.IDescribe, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Describe;
        }

        interface ICompile {
            model?: (retile.abi.IModel|null);
            soc?: (string|null);
            options?: (retile.abi.IOptions|null);
        }

        class Compile implements ICompile {
            constructor(properties?: retile.abi.ICompile);
            public model?: (retile.abi.IModel|null);
            public soc: string;
            public options?: (retile.abi.IOptions|null);
            public static create(properties?: retile.abi.ICompile): retile.abi.Compile;
            public static encode(message: retile.abi.ICompile, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Compile;
        }

        interface IModel {
            format?: (string|null);
            sha256?: (string|null);
            name?: (string|null);
            inputShapes?: (retile.abi.IBoundShape[]|null);
        }

        class Model implements IModel {
            constructor(properties?: retile.abi.IModel);
            public format: string;
            public sha256: string;
            public name: string;
            public inputShapes: retile.abi.IBoundShape[];
            public static create(properties?: retile.abi.IModel): retile.abi.Model;
            public static encode(message: retile.abi.IModel, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Model;
        }

        interface IBoundShape {
            input?: (string|null);
            shape?: (number[]|null);
        }

        class BoundShape implements IBoundShape {
            constructor(properties?: retile.abi.IBoundShape);
            public input: string;
            public shape: number[];
            public static create(properties?: retile.abi.IBoundShape): retile.abi.BoundShape;
            public static encode(message: retile.abi.IBoundShape, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.BoundShape;
        }

        interface IOptions {
            backend?: (string|null);
            encodingsSha256?: (string|null);
            dumpAfter?: (string|null);
        }

        class Options implements IOptions {
            constructor(properties?: retile.abi.IOptions);
            public backend: string;
            public encodingsSha256: string;
            public dumpAfter: string;
            public static create(properties?: retile.abi.IOptions): retile.abi.Options;
            public static encode(message: retile.abi.IOptions, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Options;
        }

        interface IReference {
            model?: (retile.abi.IModel|null);
            inputsSha256?: (string[]|null);
            calibrate?: (boolean|null);
        }

        class Reference implements IReference {
            constructor(properties?: retile.abi.IReference);
            public model?: (retile.abi.IModel|null);
            public inputsSha256: string[];
            public calibrate: boolean;
            public static create(properties?: retile.abi.IReference): retile.abi.Reference;
            public static encode(message: retile.abi.IReference, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Reference;
        }

        interface ICancel {
        }

        class Cancel implements ICancel {
            constructor(properties?: retile.abi.ICancel);
            public static create(properties?: retile.abi.ICancel): retile.abi.Cancel;
            public static encode(message: retile.abi.ICancel, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Cancel;
        }

        interface IReply {
            id?: (number|null);
            progress?: (retile.abi.IProgress|null);
            blob?: (retile.abi.IBlob|null);
            described?: (retile.abi.IDescribed|null);
            compiled?: (retile.abi.ICompiled|null);
            referenced?: (retile.abi.IReferenced|null);
            failed?: (retile.abi.IFailed|null);
        }

        class Reply implements IReply {
            constructor(properties?: retile.abi.IReply);
            public id: number;
            public progress?: (retile.abi.IProgress|null);
            public blob?: (retile.abi.IBlob|null);
            public described?: (retile.abi.IDescribed|null);
            public compiled?: (retile.abi.ICompiled|null);
            public referenced?: (retile.abi.IReferenced|null);
            public failed?: (retile.abi.IFailed|null);
            public outcome?: ("progress"|"blob"|"described"|"compiled"|"referenced"|"failed");
            public static create(properties?: retile.abi.IReply): retile.abi.Reply;
            public static encode(message: retile.abi.IReply, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Reply;
        }

        interface IProgress {
            stage?: (string|null);
            fraction?: (number|null);
        }

        class Progress implements IProgress {
            constructor(properties?: retile.abi.IProgress);
            public stage: string;
            public fraction: number;
            public static create(properties?: retile.abi.IProgress): retile.abi.Progress;
            public static encode(message: retile.abi.IProgress, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Progress;
        }

        interface IBlob {
            sha256?: (string|null);
            bytes?: (Uint8Array|null);
            last?: (boolean|null);
        }

        class Blob implements IBlob {
            constructor(properties?: retile.abi.IBlob);
            public sha256: string;
            public bytes: Uint8Array;
            public last: boolean;
            public static create(properties?: retile.abi.IBlob): retile.abi.Blob;
            public static encode(message: retile.abi.IBlob, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Blob;
        }

        interface IDescribed {
            version?: (string|null);
            abiMajor?: (number|null);
            abiMinor?: (number|null);
            isaMajor?: (number|null);
            isaMinor?: (number|null);
            families?: (string[]|null);
            formats?: (string[]|null);
            passes?: (string[]|null);
        }

        class Described implements IDescribed {
            constructor(properties?: retile.abi.IDescribed);
            public version: string;
            public abiMajor: number;
            public abiMinor: number;
            public isaMajor: number;
            public isaMinor: number;
            public families: string[];
            public formats: string[];
            public passes: string[];
            public static create(properties?: retile.abi.IDescribed): retile.abi.Described;
            public static encode(message: retile.abi.IDescribed, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Described;
        }

        interface ICompiled {
            programSha256?: (string|null);
            macs?: (number|null);
            vtcmPeakBytes?: (number|null);
            weightBytes?: (number|null);
            warnings?: (string[]|null);
            dumpSha256?: (string|null);
        }

        class Compiled implements ICompiled {
            constructor(properties?: retile.abi.ICompiled);
            public programSha256: string;
            public macs: number;
            public vtcmPeakBytes: number;
            public weightBytes: number;
            public warnings: string[];
            public dumpSha256: string;
            public static create(properties?: retile.abi.ICompiled): retile.abi.Compiled;
            public static encode(message: retile.abi.ICompiled, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Compiled;
        }

        interface IReferenced {
            outputsSha256?: (string[]|null);
            encodingsSha256?: (string|null);
            inputs?: (retile.abi.IPortType[]|null);
            outputs?: (retile.abi.IPortType[]|null);
        }

        class Referenced implements IReferenced {
            constructor(properties?: retile.abi.IReferenced);
            public outputsSha256: string[];
            public encodingsSha256: string;
            public inputs: retile.abi.IPortType[];
            public outputs: retile.abi.IPortType[];
            public static create(properties?: retile.abi.IReferenced): retile.abi.Referenced;
            public static encode(message: retile.abi.IReferenced, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Referenced;
        }

        interface IPortType {
            name?: (string|null);
            dtype?: (string|null);
            shape?: (number[]|null);
        }

        class PortType implements IPortType {
            constructor(properties?: retile.abi.IPortType);
            public name: string;
            public dtype: string;
            public shape: number[];
            public static create(properties?: retile.abi.IPortType): retile.abi.PortType;
            public static encode(message: retile.abi.IPortType, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.PortType;
        }

        interface IFailed {
            code?: (string|null);
            message?: (string|null);
            where?: (string|null);
        }

        class Failed implements IFailed {
            constructor(properties?: retile.abi.IFailed);
            public code: string;
            public message: string;
            public where: string;
            public static create(properties?: retile.abi.IFailed): retile.abi.Failed;
            public static encode(message: retile.abi.IFailed, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.abi.Failed;
        }
    }
}
