// The little text handling that init needs.
#pragma once

namespace takt::init {

inline unsigned long length(const char* text)
{
    unsigned long count = 0;
    while (text[count] != '\0') ++count;
    return count;
}

inline bool equal(const char* a, const char* b)
{
    while (*a != '\0' && *a == *b) {
        ++a;
        ++b;
    }
    return *a == *b;
}

// Decimal digits at the start of `text`; 0 if there are none.
inline unsigned long number(const char* text)
{
    unsigned long value = 0;
    for (; *text >= '0' && *text <= '9'; ++text) value = value * 10 + static_cast<unsigned long>(*text - '0');
    return value;
}

// One line, built in place: what does not fit is cut off, the newline never.
class Line {
public:
    Line& text(const char* part)
    {
        while (*part != '\0') put(*part++);
        return *this;
    }
    Line& number(unsigned long value)
    {
        char digits[20];
        int count = 0;
        do {
            digits[count++] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
        while (count > 0) put(digits[--count]);
        return *this;
    }
    void end() { data_[size_++] = '\n'; }
    const char* data() const { return data_; }
    unsigned long size() const { return size_; }

private:
    void put(char character)
    {
        if (size_ < sizeof data_ - 1) data_[size_++] = character;
    }

    char data_[512];
    unsigned long size_ = 0;
};

}  // namespace takt::init
