/* A stand-in for the kernel's webcam driver, put between FFmpeg and the C library (LD_PRELOAD): /dev/video63 opens, and
 * answers what Video4Linux answers for a capture device with four buffers that are mapped.
 *
 * WEBCAM_FRAMES   a file of pictures, each with its length before it (32 bits), shown again and again
 * WEBCAM_FORMAT   four letters as Video4Linux writes them: YUYV, MJPG
 * WEBCAM_SIZE     WIDTHxHEIGHT
 * WEBCAM_RATE     pictures a second
 * WEBCAM_ERROR    opening fails with this error number
 * WEBCAM_PICTURES after so many it is pulled out; never if not given
 *
 * Source: Linux, Documentation/userspace-api/media/v4l (QUERYCAP, S_FMT, REQBUFS, QBUF, DQBUF, STREAMON).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DEVICE "/dev/video63"
#define BUFFERS 4

static int device = -1;
static FILE *frames;
static unsigned queue[BUFFERS], queued, shown;
static size_t slot_bytes;
static struct timespec due;

static long number(const char *name, long otherwise)
{
    const char *value = getenv(name);
    return value && *value ? atol(value) : otherwise;
}

static void size(unsigned *width, unsigned *height)
{
    sscanf(getenv("WEBCAM_SIZE"), "%ux%u", width, height);
}

static int open_device(void)
{
    unsigned width, height;
    int error = (int)number("WEBCAM_ERROR", 0);
    if (error) {
        errno = error;
        return -1;
    }
    size(&width, &height);
    slot_bytes = ((size_t)width * height * 2 + 4095) / 4096 * 4096;
    frames = fopen(getenv("WEBCAM_FRAMES"), "rb");
    device = memfd_create("webcam", 0);
    if (!frames || device < 0 || ftruncate(device, (off_t)(BUFFERS * slot_bytes)) < 0)
        abort();
    return device;
}

static int open_any(const char *name, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    return strcmp(path, DEVICE) ? real(path, flags, mode) : open_device();
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_any("open", path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_any("open64", path, flags, mode);
}

static int failed(int error)
{
    errno = error;
    return -1;
}

static void tell_format(struct v4l2_format *format)
{
    const char *letters = getenv("WEBCAM_FORMAT");
    struct v4l2_pix_format *told = &format->fmt.pix;
    memset(told, 0, sizeof *told);
    size(&told->width, &told->height);
    told->pixelformat = v4l2_fourcc(letters[0], letters[1], letters[2], letters[3]);
    told->field = V4L2_FIELD_NONE;
    told->bytesperline = told->width * 2;
    told->sizeimage = (uint32_t)slot_bytes;
}

static uint32_t next_picture(unsigned index)
{
    static uint8_t bytes[1 << 22];
    uint32_t length;
    if (fread(&length, sizeof length, 1, frames) != 1) {
        rewind(frames);
        if (fread(&length, sizeof length, 1, frames) != 1)
            abort();
    }
    if (length > sizeof bytes || fread(bytes, 1, length, frames) != length)
        abort();
    if (pwrite(device, bytes, length, (off_t)(index * slot_bytes)) != (ssize_t)length)
        abort();
    return length;
}

static int give_picture(struct v4l2_buffer *buffer)
{
    long step_ns = 1000000000 / number("WEBCAM_RATE", 10);
    if (shown == number("WEBCAM_PICTURES", -1))
        return failed(ENODEV);
    if (!queued)
        return failed(EAGAIN);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    buffer->index = queue[0];
    memmove(queue, queue + 1, --queued * sizeof *queue);
    buffer->bytesused = next_picture(buffer->index);
    buffer->flags = V4L2_BUF_FLAG_MAPPED | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->sequence = shown++;
    buffer->timestamp.tv_sec = due.tv_sec;
    buffer->timestamp.tv_usec = due.tv_nsec / 1000;
    due.tv_nsec += step_ns;
    due.tv_sec += due.tv_nsec / 1000000000;
    due.tv_nsec %= 1000000000;
    return 0;
}

static int answer(unsigned long request, void *argument)
{
    switch (request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *told = argument;
        memset(told, 0, sizeof *told);
        strcpy((char *)told->driver, "stand-in");
        told->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_DEVICE_CAPS;
        told->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    }
    case VIDIOC_ENUMINPUT: {
        struct v4l2_input *told = argument;
        if (told->index)
            return failed(EINVAL);
        memset(told, 0, sizeof *told);
        told->type = V4L2_INPUT_TYPE_CAMERA;
        return 0;
    }
    case VIDIOC_G_INPUT:
        *(int *)argument = 0;
        return 0;
    case VIDIOC_S_INPUT:
    case VIDIOC_STREAMOFF:
        return 0;
    case VIDIOC_G_FMT:
    case VIDIOC_S_FMT:
        tell_format(argument);
        return 0;
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM: {
        struct v4l2_captureparm *told = &((struct v4l2_streamparm *)argument)->parm.capture;
        told->capability = V4L2_CAP_TIMEPERFRAME;
        told->timeperframe.numerator = 1;
        told->timeperframe.denominator = (uint32_t)number("WEBCAM_RATE", 10);
        return 0;
    }
    case VIDIOC_REQBUFS:
        ((struct v4l2_requestbuffers *)argument)->count = BUFFERS;
        return 0;
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *told = argument;
        told->length = (uint32_t)slot_bytes;
        told->m.offset = (uint32_t)(told->index * slot_bytes);
        return 0;
    }
    case VIDIOC_QBUF:
        if (queued == BUFFERS)
            return failed(EINVAL);
        queue[queued++] = ((struct v4l2_buffer *)argument)->index;
        return 0;
    case VIDIOC_STREAMON:
        clock_gettime(CLOCK_MONOTONIC, &due);
        return 0;
    case VIDIOC_DQBUF:
        return give_picture(argument);
    }
    return failed(ENOTTY);
}

int ioctl(int fd, unsigned long request, ...)
{
    int (*real)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return fd >= 0 && fd == device ? answer((uint32_t)request, argument) : real(fd, request, argument);
}
