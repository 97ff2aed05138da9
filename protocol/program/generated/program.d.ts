import * as $protobuf from "protobufjs";
import type Long from "long";
export namespace retile {

    namespace program {

        interface IHeader {
            isaMajor?: (number|null);
            isaMinor?: (number|null);
            soc?: (string|null);
            modelName?: (string|null);
            modelSha256?: (string|null);
            driverVersion?: (string|null);
            options?: (string|null);
            regions?: (retile.program.IRegion[]|null);
            inputs?: (retile.program.IPort[]|null);
            outputs?: (retile.program.IPort[]|null);
            origins?: (string[]|null);
            segments?: (retile.program.ISegment[]|null);
            counters?: (retile.program.ICounters|null);
            tensors?: (retile.program.IPort[]|null);
        }

        class Header implements IHeader {
            constructor(properties?: retile.program.IHeader);
            public isaMajor: number;
            public isaMinor: number;
            public soc: string;
            public modelName: string;
            public modelSha256: string;
            public driverVersion: string;
            public options: string;
            public regions: retile.program.IRegion[];
            public inputs: retile.program.IPort[];
            public outputs: retile.program.IPort[];
            public origins: string[];
            public segments: retile.program.ISegment[];
            public counters?: (retile.program.ICounters|null);
            public tensors: retile.program.IPort[];
            public static create(properties?: retile.program.IHeader): retile.program.Header;
            public static encode(message: retile.program.IHeader, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.program.Header;
        }

        interface IRegion {
            kind?: (retile.program.Region.Kind|null);
            bytes?: (number|null);
            sha256?: (string|null);
        }

        class Region implements IRegion {
            constructor(properties?: retile.program.IRegion);
            public kind: retile.program.Region.Kind;
            public bytes: number;
            public sha256: string;
            public static create(properties?: retile.program.IRegion): retile.program.Region;
            public static encode(message: retile.program.IRegion, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.program.Region;
        }

        namespace Region {

            enum Kind {
                VTCM = 0,
                SCRATCH = 1,
                WEIGHTS = 2,
                INPUT = 3,
                OUTPUT = 4,
                TENSOR = 5
            }
        }

        interface IPort {
            name?: (string|null);
            dtype?: (string|null);
            shape?: (number[]|null);
            region?: (number|null);
            scale?: (number|null);
            zeroPoint?: (number|null);
            rows?: (number|null);
            columns?: (number|null);
            channels?: (number|null);
            element?: (number|null);
        }

        class Port implements IPort {
            constructor(properties?: retile.program.IPort);
            public name: string;
            public dtype: string;
            public shape: number[];
            public region: number;
            public scale: number;
            public zeroPoint: number;
            public rows: number;
            public columns: number;
            public channels: number;
            public element: number;
            public static create(properties?: retile.program.IPort): retile.program.Port;
            public static encode(message: retile.program.IPort, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.program.Port;
        }

        interface ISegment {
            htp?: (retile.program.IHtp|null);
            cpu?: (retile.program.ICpu|null);
            reads?: (string[]|null);
            writes?: (string[]|null);
        }

        class Segment implements ISegment {
            constructor(properties?: retile.program.ISegment);
            public htp?: (retile.program.IHtp|null);
            public cpu?: (retile.program.ICpu|null);
            public reads: string[];
            public writes: string[];
            public kind?: ("htp"|"cpu");
            public static create(properties?: retile.program.ISegment): retile.program.Segment;
            public static encode(message: retile.program.ISegment, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.program.Segment;
        }

        interface IHtp {
            tablesVtcmOffset?: (number|null);
            tablesBytes?: (number|null);
            tablesRegion?: (number|null);
            tablesRegionOffset?: (number|null);
            streams?: (retile.program.IStream[]|null);
        }

        class Htp implements IHtp {
            constructor(properties?: retile.program.IHtp);
            public tablesVtcmOffset: number;
            public tablesBytes: number;
            public tablesRegion: number;
            public tablesRegionOffset: number;
            public streams: retile.program.IStream[];
            public static create(properties?: retile.program.IHtp): retile.program.Htp;
            public static encode(message: retile.program.IHtp, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.program.Htp;
        }

        interface IStream {
            core?: (number|null);
            engine?: (string|null);
            index?: (number|null);
            section?: (number|null);
        }

        class Stream implements IStream {
            constructor(properties?: retile.program.IStream);
            public core: number;
            public engine: string;
            public index: number;
            public section: number;
            public static create(properties?: retile.program.IStream): retile.program.Stream;
            public static encode(message: retile.program.IStream, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.program.Stream;
        }

        interface ICpu {
            section?: (number|null);
            memoryBytes?: (number|null);
            stages?: (number|null);
            image?: (retile.program.IPlacement[]|null);
            ports?: (retile.program.IPortPlacement[]|null);
        }

        class Cpu implements ICpu {
            constructor(properties?: retile.program.ICpu);
            public section: number;
            public memoryBytes: number;
            public stages: number;
            public image: retile.program.IPlacement[];
            public ports: retile.program.IPortPlacement[];
            public static create(properties?: retile.program.ICpu): retile.program.Cpu;
            public static encode(message: retile.program.ICpu, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.program.Cpu;
        }

        interface IPlacement {
            region?: (number|null);
            regionOffset?: (number|null);
            bytes?: (number|null);
            memoryOffset?: (number|null);
        }

        class Placement implements IPlacement {
            constructor(properties?: retile.program.IPlacement);
            public region: number;
            public regionOffset: number;
            public bytes: number;
            public memoryOffset: number;
            public static create(properties?: retile.program.IPlacement): retile.program.Placement;
            public static encode(message: retile.program.IPlacement, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.program.Placement;
        }

        interface IPortPlacement {
            name?: (string|null);
            memoryOffset?: (number|null);
        }

        class PortPlacement implements IPortPlacement {
            constructor(properties?: retile.program.IPortPlacement);
            public name: string;
            public memoryOffset: number;
            public static create(properties?: retile.program.IPortPlacement): retile.program.PortPlacement;
            public static encode(message: retile.program.IPortPlacement, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.program.PortPlacement;
        }

        interface ICounters {
            macsInt8?: (number|null);
            ddrReadBytes?: (number|null);
            ddrWriteBytes?: (number|null);
            vtcmPeakBytes?: (number|null);
            macsFp16?: (number|null);
            macsInt16?: (number|null);
            hvxPackets?: (number|null);
        }

        class Counters implements ICounters {
            constructor(properties?: retile.program.ICounters);
            public macsInt8: number;
            public ddrReadBytes: number;
            public ddrWriteBytes: number;
            public vtcmPeakBytes: number;
            public macsFp16: number;
            public macsInt16: number;
            public hvxPackets: number;
            public static create(properties?: retile.program.ICounters): retile.program.Counters;
            public static encode(message: retile.program.ICounters, writer?: $protobuf.Writer): $protobuf.Writer;
            public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): retile.program.Counters;
        }
    }
}
